import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import { tensor, tidy } from '@tensorflow/tfjs-core';
import type { Module } from 'tfjs-flows';
import type { GoldenTree } from '../cases.js';
import { isArray } from '../cases.js';

/** An array of a state dict. */
export interface StateArray {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** A state dict under the names of the library that it comes from. */
export interface State {
  has(name: string): boolean;
  /** @throws where there is no such array. */
  get(name: string): StateArray;
  /** The arrays whose names start with the prefix, without it. */
  under(prefix: string): State;
  readonly names: readonly string[];
}

export function stateOf(arrays: ReadonlyMap<string, StateArray>): State {
  return {
    names: [...arrays.keys()],
    has: (name) => arrays.has(name),
    get: (name) => {
      const found = arrays.get(name);
      if (found === undefined) {
        throw new Error(`the state has no '${name}'; it has ${[...arrays.keys()].join(', ')}`);
      }
      return found;
    },
    under: (prefix) =>
      stateOf(
        new Map(
          [...arrays].filter(([name]) => name.startsWith(prefix)).map(([name, array]) => [name.slice(prefix.length), array]),
        ),
      ),
  };
}

/** The state dict `inputs.state` of a case. */
export function stateOfCase(inputs: GoldenTree): State {
  const { state } = inputs;
  if (state === undefined || isArray(state)) {
    throw new Error('the case has no state');
  }
  return stateOf(new Map(Object.entries(state).flatMap(([name, node]) => (isArray(node) ? [[name, node] as const] : []))));
}

/** A matrix on the host. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  at(row: number, column: number): number;
}

export function matrixOf({ shape, data }: StateArray): Matrix {
  const [rows, columns] = shape as [number, number];
  if (shape.length !== 2) {
    throw new Error(`a matrix was expected, not an array of shape [${shape.join(', ')}]`);
  }
  return { rows, columns, at: (row, column) => data[row * columns + column] as number };
}

export const transposed = (matrix: Matrix): Matrix => ({
  rows: matrix.columns,
  columns: matrix.rows,
  at: (row, column) => matrix.at(column, row),
});

/** The rows of a matrix in another order, or some of them. */
export const rowsAt = (matrix: Matrix, places: readonly number[]): Matrix => ({
  rows: places.length,
  columns: matrix.columns,
  at: (row, column) => matrix.at(places[row] as number, column),
});

/** An elementwise product. */
export const masked = (matrix: Matrix, mask: Matrix): Matrix => ({
  ...matrix,
  at: (row, column) => matrix.at(row, column) * mask.at(row, column),
});

/** Gives a module's variable of that name the values of a matrix or a list. @throws where there is none of that shape. */
export function assign(module: Module, name: string, values: Matrix | ArrayLike<number>): void {
  const target: Variable | undefined = module.parameters[name] ?? module.buffers[name];
  if (target === undefined) {
    const names = [...Object.keys(module.parameters), ...Object.keys(module.buffers)];
    throw new Error(`our module has no '${name}'; it has ${names.join(', ')}`);
  }
  tidy(() => target.assign(toTensor(values) as typeof target));
}

function toTensor(values: Matrix | ArrayLike<number>): Tensor {
  if (!('rows' in values)) {
    return tensor(Float32Array.from(values), [values.length], 'float32');
  }
  const { rows, columns, at } = values;
  return tensor(
    Float32Array.from({ length: rows * columns }, (_, i) => at(Math.floor(i / columns), i % columns)),
    [rows, columns],
    'float32',
  );
}
