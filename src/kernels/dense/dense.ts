import type { Tensor } from '@tensorflow/tfjs-core';
import { add, elu, leakyRelu, matMul, mul, relu, sigmoid, softplus, tanh } from '@tensorflow/tfjs-core';
import { fused } from '../../core/fused.js';
import { withShape } from '../../core/withShape.js';

/** Nonlinearities whose slope can be told from their value, so that a layer keeps nothing else for its gradients. */
export type DenseActivation = 'linear' | 'relu' | 'leakyRelu' | 'elu' | 'tanh' | 'sigmoid' | 'softplus';

/** A layer: kernel [in, out] and bias [out]. */
export interface DenseLayer<T = Tensor> {
  readonly kernel: T;
  readonly bias?: T | undefined;
  /** 0s and 1s [in, out]: what counts of the kernel. Default: all. */
  readonly mask?: T | undefined;
  /** [..., out], leading axes as of x: added before the activation. */
  readonly offset?: T | undefined;
  /** Default 'linear'. */
  readonly activation?: DenseActivation | undefined;
}

/**
 * Layers act(x (W mask) + b + offset) one after the other, over the last axis of x: [..., in] x [in, out] + [out] -> [..., out].
 */
export function dense(x: Tensor, layers: readonly DenseLayer[]): Tensor {
  const inputs = (layers[0] as DenseLayer).kernel.shape[0] as number;
  const rows = x.size / inputs;
  const given = layers.map((layer) => ({
    ...layer,
    offset: layer.offset && withShape(layer.offset, [rows, layer.kernel.shape[1] as number]),
  }));
  const first = withShape(x, [rows, inputs]);
  const y = fused(DENSE, [first], { layers: given })?.[0] ?? composedLayers(first, given);
  return withShape(y, [...x.shape.slice(0, -1), y.shape[1] as number]);
}

/** The name of the fused kernel. */
export const DENSE = 'FlowsDense';

/** The same, of TensorFlow.js's ops: x [rows, in], an offset [rows, out]. */
export const composedLayers = (x: Tensor, layers: readonly DenseLayer[]): Tensor =>
  layers.reduce((h, { kernel, bias, offset, mask, activation = 'linear' }) => {
    const product: Tensor = matMul(h, mask === undefined ? kernel : mul(kernel, mask));
    const shifted = bias === undefined ? product : add(product, bias);
    const s = offset === undefined ? shifted : add(shifted, offset);
    return activation === 'linear' ? s : DENSE_ACTIVATIONS[activation](s);
  }, x);

/** What activations are. */
export const DENSE_ACTIVATIONS: Readonly<Record<Exclude<DenseActivation, 'linear'>, (x: Tensor) => Tensor>> = {
  relu: (x) => relu(x),
  leakyRelu: (x) => leakyRelu(x),
  elu: (x) => elu(x),
  tanh: (x) => tanh(x),
  sigmoid: (x) => sigmoid(x),
  softplus: (x) => softplus(x),
};
