import type { Tensor } from '@tensorflow/tfjs-core';
import { add, elu, leakyRelu, matMul, mul, relu, sigmoid, softplus, tanh } from '@tensorflow/tfjs-core';
import { invalid } from '../../core/errors.js';
import { fused } from '../../core/fused.js';
import { withShape } from '../../core/withShape.js';

/** Nonlinearities whose slope can be told from their value, so that a layer keeps nothing else for its gradients. */
export type DenseActivation = 'linear' | 'relu' | 'leakyRelu' | 'elu' | 'tanh' | 'sigmoid' | 'softplus';

/** What a dense layer may have beside kernel and bias. */
export interface DenseOptions {
  /** 0s and 1s [in, out]: what counts of the kernel. Default: all. */
  readonly mask?: Tensor | undefined;
  /** [..., out], leading axes as of x: added before the activation. */
  readonly offset?: Tensor | undefined;
  /** Default 'linear'. */
  readonly activation?: DenseActivation | undefined;
}

/** What its kernel is told. Inputs are x [rows, in], the kernel, then those of bias [out], offset [rows, out] and mask that there are. */
export interface DenseAttributes {
  readonly parts: readonly ('bias' | 'offset' | 'mask')[];
  readonly activation: DenseActivation;
}

/**
 * act(x (W mask) + b + offset) over the last axis of x: [..., in] x [in, out] + [out] -> [..., out].
 */
export function dense(x: Tensor, kernel: Tensor, bias?: Tensor, options: DenseOptions = {}): Tensor {
  const [inputs, outputs] = kernel.shape as [number, number];
  if (x.shape[x.shape.length - 1] !== inputs) {
    throw invalid('dense', 'x', `a tensor whose last axis has ${inputs} elements`, x);
  }
  const { mask, offset, activation = 'linear' } = options;
  const rows = x.size / inputs;
  const given = { bias, offset: offset && withShape(offset, [rows, outputs]), mask };
  const parts = (['bias', 'offset', 'mask'] as const).filter((part) => given[part] !== undefined);
  const all = [withShape(x, [rows, inputs]), kernel, ...parts.map((part) => given[part] as Tensor)];
  const attributes: DenseAttributes = { parts, activation };
  const flat = fused(DENSE, all, attributes)?.[0] ?? composedDense(all, attributes);
  return withShape(flat, [...x.shape.slice(0, -1), outputs]);
}

/** The name of the fused kernel. */
export const DENSE = 'FlowsDense';

/** The same, of TensorFlow.js's ops. */
export function composedDense([x, kernel, ...rest]: readonly Tensor[], { parts, activation }: DenseAttributes): Tensor {
  const part = (name: 'bias' | 'offset' | 'mask'): Tensor | undefined => rest[parts.indexOf(name)];
  const mask = part('mask');
  const product: Tensor = matMul(x as Tensor, mask === undefined ? (kernel as Tensor) : mul(kernel as Tensor, mask));
  const [bias, offset] = [part('bias'), part('offset')];
  const shifted = bias === undefined ? product : add(product, bias);
  return ACTIVATIONS[activation](offset === undefined ? shifted : add(shifted, offset));
}

const ACTIVATIONS: Readonly<Record<DenseActivation, (x: Tensor) => Tensor>> = {
  linear: (x) => x,
  relu: (x) => relu(x),
  leakyRelu: (x) => leakyRelu(x),
  elu: (x) => elu(x),
  tanh: (x) => tanh(x),
  sigmoid: (x) => sigmoid(x),
  softplus: (x) => softplus(x),
};
