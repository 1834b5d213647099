import type { Tensor } from '@tensorflow/tfjs-core';
import { add, clipByValue, equal, fill, floor, greaterEqual, zerosLike } from '@tensorflow/tfjs-core';
import { checkInteger, invalid, isTensorLike } from '../core/errors.js';
import { select } from '../core/select.js';
import type { EventShape } from '../core/shapes.js';
import { untaped } from '../core/stopGradient.js';

/** Beyond this, float32 leaves fewer than eight bits for the noise of the upper levels. */
const MOST_LEVELS = 65536;

/** Throws unless `levels` is an integer from 2 to 65536. */
export function checkLevelCount(where: string, levels: unknown): asserts levels is number {
  checkInteger(where, 'options.levels', levels, 2);
  if (levels > MOST_LEVELS) {
    throw invalid(where, 'options.levels', `at most ${MOST_LEVELS}, beyond which float32 has no room for noise`, levels);
  }
}

/** Throws unless `x` is a live float32 or int32 tensor whose trailing axes are an event of that shape. */
export function checkDiscrete(where: string, x: unknown, event: EventShape): asserts x is Tensor {
  const discrete = isTensorLike(x) && (x.dtype === 'float32' || x.dtype === 'int32') && !x.isDisposed && !x.shape.includes(0);
  const start = discrete ? x.shape.length - event.length : -1;
  if (start < 0 || event.some((size, i) => size !== null && size !== (x as Tensor).shape[start + i])) {
    const shape = ['...batch', ...event.map((size) => size ?? '?')].join(', ');
    throw invalid(where, 'x', `a float32 or int32 tensor of shape [${shape}]`, x);
  }
}

/** Throws where one of the values is no integer of 0 ... levels - 1. */
export function checkValues(where: string, values: ArrayLike<number>, levels: number): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (!(value >= 0 && value < levels && Number.isInteger(value))) {
      throw new Error(`${where}: x should hold integers of 0 ... ${levels - 1}, but element ${i} is ${value}.`);
    }
  }
}

/**
 * y = x + u with floor(y) = x for every u of [0, 1]: float32 may round x + u up to x + 1, and then the number below it
 * that every level has is taken instead. NaN wherever x is no level: a wrong x must not pass for data where it cannot be read.
 *
 * @param x float32 of any shape that broadcasts to that of u
 */
export function addNoise(x: Tensor, u: Tensor, levels: number): Tensor {
  const y = add(x, u);
  // The spacing of float32 just below `levels`.
  const spacing = 2 ** (Math.ceil(Math.log2(levels)) - 24);
  const kept = select(greaterEqual(y, add(x, 1)), add(zerosLike(y), add(x, 1 - spacing)), y);
  const alarm = untaped(() => {
    const level = equal(x, clipByValue(floor(x), 0, levels - 1));
    return select(level, zerosLike(x), fill(x.shape, Number.NaN));
  });
  return add(kept, alarm);
}
