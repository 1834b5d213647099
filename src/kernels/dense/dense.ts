import type { Tensor } from '@tensorflow/tfjs-core';
import { add, elu, leakyRelu, mul, relu, sigmoid, softplus, tanh } from '@tensorflow/tfjs-core';
import { fused } from '../../core/fused.js';
import { multiply } from './multiply.js';

/** Nonlinearities whose slope can be told from their value, so that a layer keeps nothing else for its gradients. */
export type DenseActivation = 'linear' | 'relu' | 'leakyRelu' | 'elu' | 'tanh' | 'sigmoid' | 'softplus';

/** An affine layer: kernel [in, out] and bias [out]. */
export interface AffineLayer<T = Tensor> {
  readonly kernel: T;
  readonly bias?: T | undefined;
  /** 0s and 1s [in, out]: what counts of the kernel. Default: all. */
  readonly mask?: T | undefined;
  /** [..., out], which may broadcast to what x makes: added before the activation. */
  readonly offset?: T | undefined;
}

/** A layer of a network. */
export interface DenseLayer extends AffineLayer {
  /** Default 'linear'. */
  readonly activation?: DenseActivation | 'swish' | ((s: Tensor) => Tensor) | undefined;
}

/**
 * Layers act(x (W mask) + b + offset) one after the other, over the last axis of x: [..., in] x [in, out] + [out] -> [..., out].
 */
export const dense = (x: Tensor, layers: readonly DenseLayer[]): Tensor =>
  fused(DENSE, [x], (first) => [composedLayers(first, layers)], { layers })[0];

/** The name of the fused kernel. */
export const DENSE = 'FlowsDense';

/** The same, of TensorFlow.js's ops. */
export const composedLayers = (x: Tensor, layers: readonly DenseLayer[]): Tensor =>
  layers.reduce((h, { kernel, bias, offset, mask, activation = 'linear' }) => {
    const product = multiply(h, mask ? mul(kernel, mask) : kernel, bias);
    const s = offset ? add(product, offset) : product;
    return typeof activation === 'function' ? activation(s) : ACTIVATIONS[activation](s);
  }, x);

/** What activations are. */
export const ACTIVATIONS: Readonly<Record<DenseActivation | 'swish', (x: Tensor) => Tensor>> = {
  linear: (x) => x,
  relu: (x) => relu(x),
  leakyRelu: (x) => leakyRelu(x),
  elu: (x) => elu(x),
  softplus: (x) => softplus(x),
  swish: (x) => mul(x, sigmoid(x)),
  tanh: (x) => tanh(x),
  sigmoid: (x) => sigmoid(x),
};
