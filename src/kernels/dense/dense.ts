import type { Tensor } from '@tensorflow/tfjs-core';
import { add, elu, leakyRelu, matMul, mul, relu, sigmoid, softplus, tanh } from '@tensorflow/tfjs-core';
import { invalid } from '../../core/errors.js';
import { fused } from '../../core/fused.js';
import { withShape } from '../../core/withShape.js';

/** Nonlinearities whose slope can be told from their value, so that a layer keeps nothing else for its gradients. */
export type DenseActivation = 'linear' | 'relu' | 'leakyRelu' | 'elu' | 'tanh' | 'sigmoid' | 'softplus';

/** What a dense layer may have beside kernel and bias. */
export interface DenseOptions<T = Tensor> {
  /** 0s and 1s [in, out]: what counts of the kernel. Default: all. */
  readonly mask?: T | undefined;
  /** [..., out], leading axes as of x: added before the activation. */
  readonly offset?: T | undefined;
  /** Default 'linear'. */
  readonly activation?: DenseActivation | undefined;
}

/** A layer: kernel [in, out] and bias [out]. */
export interface DenseLayer<T = Tensor> extends DenseOptions<T> {
  readonly kernel: T;
  readonly bias?: T | undefined;
}

/** What its kernel is told. Inputs are x [rows, in] and the tensors of each layer, an offset as [rows, out]. */
export interface DenseAttributes {
  /** What inputs are, x aside. With each kernel a layer begins. */
  readonly roles: readonly ('kernel' | Part)[];
  /** Of each layer. */
  readonly activations: readonly DenseActivation[];
}

type Part = (typeof PARTS)[number];
const PARTS = ['bias', 'offset', 'mask'] as const;

/**
 * act(x (W mask) + b + offset) over the last axis of x: [..., in] x [in, out] + [out] -> [..., out].
 */
export const dense = (x: Tensor, kernel: Tensor, bias?: Tensor, options: DenseOptions = {}): Tensor =>
  denseLayers(x, [{ kernel, bias, ...options }]);

/** Layers one after the other, in one kernel. */
export function denseLayers(x: Tensor, layers: readonly DenseLayer[]): Tensor {
  const inputs = (layers[0] as DenseLayer).kernel.shape[0] as number;
  if (x.shape[x.shape.length - 1] !== inputs) {
    throw invalid('dense', 'x', `a tensor whose last axis has ${inputs} elements`, x);
  }
  const rows = x.size / inputs;
  const all = [withShape(x, [rows, inputs])];
  const roles: ('kernel' | Part)[] = [];
  let outputs = inputs;
  for (const layer of layers) {
    outputs = layer.kernel.shape[1] as number;
    for (const role of ['kernel', ...PARTS] as const) {
      const tensor = layer[role];
      if (tensor !== undefined) {
        all.push(role === 'offset' ? withShape(tensor, [rows, outputs]) : tensor);
        roles.push(role);
      }
    }
  }
  const attributes: DenseAttributes = { roles, activations: layers.map(({ activation = 'linear' }) => activation) };
  const flat = fused(DENSE, all, attributes)?.[0] ?? composedDense(all, attributes);
  return withShape(flat, [...x.shape.slice(0, -1), outputs]);
}

/** The name of the fused kernel. */
export const DENSE = 'FlowsDense';

/** A layer as a kernel has it. */
export type GivenLayer<T> = DenseLayer<T> & { readonly activation: DenseActivation };

/** Layers of the tensors that a kernel is given, x aside. */
export function layersOf<T>(tensors: readonly T[], { roles, activations }: DenseAttributes): GivenLayer<T>[] {
  const layers: Partial<Record<'kernel' | Part, T>>[] = [];
  roles.forEach((role, i) => {
    if (role === 'kernel') {
      layers.push({});
    }
    (layers[layers.length - 1] as (typeof layers)[number])[role] = tensors[i] as T;
  });
  return layers.map((layer, i) => ({ ...(layer as DenseLayer<T>), activation: activations[i] as DenseActivation }));
}

/** The same, of TensorFlow.js's ops. */
export const composedDense = ([x, ...rest]: readonly Tensor[], attributes: DenseAttributes): Tensor =>
  layersOf(rest, attributes).reduce((h: Tensor, { kernel, bias, offset, mask, activation }) => {
    const product: Tensor = matMul(h, mask === undefined ? kernel : mul(kernel, mask));
    const shifted = bias === undefined ? product : add(product, bias);
    return ACTIVATIONS[activation](offset === undefined ? shifted : add(shifted, offset));
  }, x as Tensor);

const ACTIVATIONS: Readonly<Record<DenseActivation, (x: Tensor) => Tensor>> = {
  linear: (x) => x,
  relu: (x) => relu(x),
  leakyRelu: (x) => leakyRelu(x),
  elu: (x) => elu(x),
  tanh: (x) => tanh(x),
  sigmoid: (x) => sigmoid(x),
  softplus: (x) => softplus(x),
};
