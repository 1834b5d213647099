import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import { variable } from '@tensorflow/tfjs-core';
import { describe } from '../core/errors.js';
import type { StoredTensor } from '../io/format.js';
import { sameShape, toTensor } from './stored.js';

/** A tensor that belongs to the variable of that name. */
export interface NamedTensor {
  name: string;
  tensor: Tensor;
}

/**
 * What `fit` needs of an optimizer: every one of TensorFlow.js has it, and `adam` of this library.
 *
 * `fit` passes all trained parameters in one order at every step; where a parameter has no gradient `tensor` is null. Checkpoints
 * keep what the object itself holds as variables, as arrays of `{ originalName, variable }` with one entry a parameter, and
 * its `iterations_`: that is where the optimizers of TensorFlow.js have their state.
 */
export interface Optimizer {
  /** One step. */
  applyGradients(gradients: NamedTensor[]): void;
  /** Frees its state. */
  dispose(): void;
}

/** How TensorFlow.js's optimizers keep a variable that belongs to a parameter. */
export interface Slot {
  originalName: string;
  variable: Variable;
}

/** The present rate; undefined where the optimizer does not tell. */
export function learningRateOf(optimizer: Optimizer): number | undefined {
  const { learningRate } = optimizer as { learningRate?: unknown };
  return typeof learningRate === 'number' ? learningRate : undefined;
}

export function setLearningRate(optimizer: Optimizer, rate: number): void {
  const open = optimizer as { learningRate?: unknown; setLearningRate?: (rate: number) => void };
  // SGD and momentum keep the rate on the device, too.
  if (typeof open.setLearningRate === 'function') {
    open.setLearningRate(rate);
  } else if (typeof open.learningRate === 'number') {
    open.learningRate = rate;
  } else {
    throw new Error('fit: options.schedule needs an optimizer with setLearningRate or a learningRate that can be set.');
  }
}

/** What a checkpoint keeps of an optimizer beside tensors. */
export interface OptimizerRecord {
  /** Names of all places that hold state, empty ones included: it tells optimizers apart. */
  readonly kind: string;
  readonly iterations: number;
}

/** All state, exactly: `getWeights` leaves out some (Adam's powers of beta come back rounded, Adamax has none). */
export function readOptimizer(
  optimizer: Optimizer,
  trained: readonly string[],
): { record: OptimizerRecord; tensors: Record<string, Tensor> } {
  const tensors: Record<string, Tensor> = {};
  for (const [key, place] of placesOf(optimizer)) {
    if (isSlots(place)) {
      for (const [i, slot] of place.entries()) {
        tensors[`${key}.${trained[i]}`] = slot.variable;
      }
    } else {
      tensors[key] = place;
    }
  }
  return { record: { kind: kindOf(optimizer), iterations: (optimizer as Counted).iterations_ ?? 0 }, tensors };
}

/**
 * Checks stored state against an optimizer and its parameters.
 *
 * @param stored by the names that `readOptimizer` gave
 * @returns puts the state in
 * @throws where the state is of another optimizer or of other parameters.
 */
export function matchOptimizer(
  where: string,
  optimizer: Optimizer,
  parameters: ReadonlyMap<string, Variable>,
  record: OptimizerRecord,
  stored: ReadonlyMap<string, StoredTensor>,
): () => void {
  if (record.kind !== kindOf(optimizer)) {
    throw new Error(`${where}: the state is of another optimizer, with ${record.kind}, not ${kindOf(optimizer)}.`);
  }
  const take = (name: string, like: Variable): StoredTensor => {
    const entry = stored.get(name);
    if (entry === undefined || !sameShape(entry.shape, like.shape)) {
      throw new Error(
        `${where}: the optimizer's '${name}' should have shape ${describe(like.shape)}, but is ${entry ? describe(entry.shape) : 'missing'}.`,
      );
    }
    return entry;
  };
  const assignments = placesOf(optimizer).map(([key, place]): (() => void) => {
    if (!isSlots(place)) {
      const entry = take(key, place);
      return () => assignOnce(place, entry);
    }
    if (![...stored.keys()].some((name) => name.startsWith(`${key}.`))) {
      return () => empty(place);
    }
    const entries = [...parameters].map(([name, parameter]) => ({ parameter, entry: take(`${key}.${name}`, parameter) }));
    return () => {
      empty(place);
      for (const { parameter, entry } of entries) {
        const value = toTensor(entry);
        place.push({ originalName: `${parameter.name}/${key}`, variable: variable(value, false) });
        value.dispose();
      }
    };
  });
  return () => {
    for (const assign of assignments) {
      assign();
    }
    (optimizer as Counted).iterations_ = record.iterations;
  };
}

interface Counted extends Optimizer {
  iterations_?: number;
}

function placesOf(optimizer: Optimizer): [string, Variable | Slot[]][] {
  return Object.entries(optimizer).filter(([, value]) => isVariable(value) || isSlots(value));
}

function kindOf(optimizer: Optimizer): string {
  return (
    placesOf(optimizer)
      .map(([key]) => key)
      .sort()
      .join(', ') || 'no state'
  );
}

function isVariable(value: unknown): value is Variable {
  return typeof (value as { assign?: unknown } | null)?.assign === 'function';
}

function isSlots(value: unknown): value is Slot[] {
  return Array.isArray(value) && value.every((slot) => isVariable((slot as Partial<Slot> | null)?.variable));
}

function empty(slots: Slot[]): void {
  for (const slot of slots.splice(0)) {
    slot.variable.dispose();
  }
}

function assignOnce(target: Variable, entry: StoredTensor): void {
  const value = toTensor(entry);
  target.assign(value);
  value.dispose();
}
