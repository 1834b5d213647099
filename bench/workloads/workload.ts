import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs-core';
import { mean, tensor, tidy } from '@tensorflow/tfjs-core';
import type { Module } from 'tfjs-flows';
import { adam } from 'tfjs-flows/training';
import type { Losses, Prepared } from '../contract.js';
import { checkLosses } from '../contract.js';
import type { Layer, Values } from '../data.js';

/** What the steps of a workload train. */
export interface Training {
  readonly model: Module;
  /** Of the next step, [...batch]. */
  loss(): Tensor;
  /** Where `loss` draws noise or moves on in the data: with fixed noise and the first batch. */
  firstLoss?: () => Tensor;
  /** Nothing is compared where it is undefined. */
  readonly expected: Losses | undefined;
  /** Frees the data. */
  release(): void;
}

/** A training step: forward, backward, Adam with its defaults, and the loss read back. */
export function training({ model, loss, firstLoss = loss, expected, release }: Training): Prepared {
  const optimizer = adam();
  const variables: Variable[] = Object.values(model.parameters);
  const read = async (value: Tensor): Promise<number> => {
    const [number] = await value.data();
    value.dispose();
    return number as number;
  };
  const step = (): Promise<number> => read(optimizer.minimize(() => mean(loss()), true, variables) as Scalar);
  return {
    parameters: variables.reduce((total, { size }) => total + size, 0),
    check: async (thorough) =>
      expected === undefined ? [] : checkLosses(expected, thorough, () => read(tidy(() => mean(firstLoss()))), step),
    step,
    dispose: () => {
      optimizer.dispose();
      model.dispose();
      release();
    },
  };
}

export const toTensor = ({ data, shape }: Values): Tensor => tensor(data, shape, 'float32');

/** Gives variables of a module, by name, their initial values. */
export function assign(variables: Readonly<Record<string, Variable>>, values: Readonly<Record<string, Values>>): void {
  for (const [name, value] of Object.entries(values)) {
    const variable = variables[name];
    if (variable === undefined) {
      throw new Error(`there is no '${name}' among ${Object.keys(variables).join(', ')}`);
    }
    const initial = toTensor(value);
    variable.assign(initial);
    initial.dispose();
  }
}

/** Weights of a perceptron by the names that the library gives them. */
export function named(prefix: string, layers: readonly Layer[]): Record<string, Values> {
  return Object.fromEntries(
    layers.flatMap(({ kernel, bias }, i) => {
      const layer = `${prefix}${i === layers.length - 1 ? 'output' : `hidden${i}`}`;
      return [
        [`${layer}.kernel`, kernel],
        [`${layer}.bias`, bias],
      ];
    }),
  );
}

/** The columns of a matrix, or the entries of a vector, in another order: `from[j]` comes to j. */
export function reorder({ data, shape }: Values, from: readonly number[]): Values {
  const width = shape.at(-1) as number;
  return { data: data.map((_, i) => data[i - (i % width) + (from[i % width] as number)] as number), shape };
}

/** The rows of a matrix in another order. */
export function reorderRows({ data, shape }: Values, from: readonly number[]): Values {
  const width = shape[1] as number;
  return { data: data.map((_, i) => data[(from[Math.floor(i / width)] as number) * width + (i % width)] as number), shape };
}

/**
 * Where the columns of an affine map's network come from: the workloads have all raw scales first and the shifts after them, the
 * library has [shift, raw scale] of each element in turn.
 */
export const affineColumns = (dim: number): number[] =>
  Array.from({ length: 2 * dim }, (_, j) => (j % 2 === 0 ? dim : 0) + (j >> 1));

/** The last layer with its columns in another order. */
export function reorderOutputs(layers: readonly Layer[], from: readonly number[]): Layer[] {
  return layers.map((layer, i) =>
    i < layers.length - 1 ? layer : { kernel: reorder(layer.kernel, from), bias: reorder(layer.bias, from) },
  );
}
