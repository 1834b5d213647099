import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import { add, concat, matMul, mul, reshape, split } from '@tensorflow/tfjs-core';
import type { CallOptions } from '../core/bijector.js';
import { checkInteger, invalid } from '../core/errors.js';
import { parameter } from '../core/module.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import { checkEvent, sizeOf } from '../core/shapes.js';
import { own } from '../core/stopGradient.js';

/** What `parameterSource` takes of a factory's options. */
export interface SourceOptions<Name extends string> {
  readonly contextDim?: number | undefined;
  readonly given?: Readonly<Record<Name, Tensor>> | undefined;
  readonly rng?: Rng | undefined;
}

/** One parameter: its shape for a single map, and its initial value. */
export interface ParameterSpec {
  readonly shape: readonly number[];
  init(rng: Rng): Tensor;
}

/** Where a map's parameters come from. */
export interface ParameterSource<Name extends string> {
  readonly parameters: Readonly<Record<string, Variable>>;
  /** Each of its shape, [...shape], or with leading axes [..., ...shape]. */
  at(call: CallOptions): Record<Name, Tensor>;
}

/**
 * The parameters of a map by name: own ones; or, for each example its own, from a context by one linear layer (`kernel`
 * [contextDim, total], `bias` [total], in the order of the specs); or given tensors, which stay the caller's.
 *
 * @throws where both a context and given tensors are asked for, and for given tensors of a wrong shape.
 */
export function parameterSource<Name extends string>(
  where: string,
  specs: Readonly<Record<Name, ParameterSpec>>,
  { contextDim, given, rng = createRng() }: SourceOptions<Name>,
): ParameterSource<Name> {
  const names = Object.keys(specs) as Name[];
  const each = <T>(make: (name: Name, i: number) => T): Record<Name, T> =>
    Object.fromEntries(names.map((name, i) => [name, make(name, i)])) as Record<Name, T>;

  if (given !== undefined) {
    if (contextDim !== undefined) {
      throw invalid(where, 'options.contextDim', 'left out where parameters are given', contextDim);
    }
    for (const name of names) {
      checkEvent(where, `options.given.${name}`, given[name], specs[name].shape);
    }
  }
  if (contextDim === undefined) {
    const parameters = given ? {} : each((name) => parameter(() => specs[name].init(rng)));
    const all = { ...parameters, ...given } as Record<Name, Tensor>;
    return { parameters, at: (call) => each((name) => own(all[name], call)) };
  }
  checkInteger(where, 'options.contextDim', contextDim, 1);
  const sizes = names.map((name) => sizeOf(specs[name].shape));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  // At first the context has little say, whatever its size.
  const kernel = parameter(() => mul(rng.normal([contextDim, total]), 0.01 / Math.sqrt(contextDim)));
  const bias = parameter(() => concat(names.map((name) => reshape(specs[name].init(rng), [-1]))));
  return {
    parameters: { kernel, bias },
    at: (call) => {
      const context = call.context as Tensor;
      const rows = reshape(context, [-1, contextDim]);
      const all = add(matMul(rows, own(kernel, call)), own(bias, call));
      // The gradient of a split into one part fails in TensorFlow.js 4.22.
      const parts = sizes.length === 1 ? [all] : split(all, sizes, 1);
      const batch = context.shape.slice(0, -1);
      return each((name, i) => reshape(parts[i] as Tensor, [...batch, ...specs[name].shape]));
    },
  };
}
