import type { GradSaveFunc, Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { add, customGrad, elu, leakyRelu, matMul, mul, relu, sigmoid, softplus, tanh, transpose } from '@tensorflow/tfjs-core';
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
  const product: Tensor = multiply(x as Tensor2D, (mask === undefined ? kernel : mul(kernel as Tensor, mask)) as Tensor2D);
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

/**
 * The product of two matrices.
 *
 * Its own gradient transposes explicitly and multiplies plainly: on WASM a product with a transposed operand is about 13
 * times slower than one without, as TensorFlow.js has it.
 */
export function multiply(x: Tensor2D, y: Tensor2D): Tensor2D {
  const result = fused(DENSE, [x, y], { parts: [], activation: 'linear' } satisfies DenseAttributes);
  if (result !== undefined) {
    return result[0] as Tensor2D;
  }
  return customGrad((a: Tensor | GradSaveFunc, b: Tensor | GradSaveFunc, save: Tensor | GradSaveFunc) => {
    const [left, right] = [a as Tensor2D, b as Tensor2D];
    (save as GradSaveFunc)([left, right]);
    return {
      value: matMul(left, right),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [l, r] = saved as [Tensor2D, Tensor2D];
        return [matMul(dy as Tensor2D, transpose(r)), matMul(transpose(l), dy as Tensor2D)];
      },
    };
  })(x, y) as Tensor2D;
}
