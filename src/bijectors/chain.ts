import type { Tensor } from '@tensorflow/tfjs-core';
import { addAll } from '../core/addAll.js';
import type { Bijector, CallOptions, Cost } from '../core/bijector.js';
import { defineBijector } from '../core/bijector.js';
import { checkOptions, invalid } from '../core/errors.js';
import { kernelOf } from '../core/fused.js';
import { sumTrailing } from '../core/shapes.js';
import { checkBijectorLike } from '../core/structural.js';

/** What `chain` takes beside its parts. */
export interface ChainOptions {
  /** Stands in error messages. Default 'chain'. */
  readonly name?: string;
}

/**
 * Composition: chain([f, g]) computes y = g(f(x)), so `forward` applies the first part first and `inverse` the last.
 *
 * log|det dy/dx| is the sum of the parts' log-dets, each taken at its own input. Parts may differ in event rank: the chain
 * has the smallest that serves all of them, and the log-det of a part of lower rank is summed over the extra axes. Costs
 * are those of the slowest part. Options (context, frozen, training, rng) reach every part.
 *
 * The parameters of part i are named `layers.i....`; `dispose` frees the parts. `initialize(data)` exists where some part
 * has it and works from the data end: the last part first, then data taken back through it for the part before.
 *
 * @param parts at least one; for none use `identityBijector`, whose event rank is not in doubt.
 * @throws for an empty list, a part that is no bijector, an unknown option.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { chain, scaleShift } from 'tfjs-flows';
 *
 * const flow = chain([scaleShift({ scale: 2 }), scaleShift({ shift: 1 })]);
 * console.log(flow.forward(tf.tensor1d([0, 3])).arraySync()); // => [ 1, 7 ]
 * console.log(flow.inverse(tf.tensor1d([1, 7])).arraySync()); // => [ 0, 3 ]
 * ```
 */
export function chain(parts: readonly Bijector[], options: ChainOptions = {}): Bijector {
  checkOptions('chain', options, ['name']);
  if (!Array.isArray(parts) || parts.length === 0) {
    throw invalid('chain', 'parts', 'a list of at least one bijector', parts);
  }
  parts.forEach((part, i) => {
    checkBijectorLike('chain', `parts[${i}]`, part);
  });
  const ranks = eventRanks(parts);
  const run =
    (direction: 'forward' | 'inverse') =>
    (input: Tensor, call: CallOptions): [Tensor, Tensor] => {
      let value = input;
      const logDets: Tensor[] = [];
      for (let done = 0; done < parts.length; ) {
        const i = direction === 'forward' ? done : parts.length - 1 - done;
        const part = parts[i] as Bijector;
        const kernel = direction === 'forward' ? kernelOf(part.stack?.kernel) : undefined;
        const [next, logDet, count = 1] =
          kernel?.stack(parts.slice(i), value, call) ?? part[`${direction}AndLogDet`](value, call);
        done += count;
        // The event of the whole may have more axes than that of the part.
        logDets.push(sumTrailing(logDet, (ranks[i] as number) - part.forwardEventRank));
        value = next;
      }
      return [value, addAll(logDets)];
    };
  const first = parts.findIndex((part) => part.initialize !== undefined);

  return defineBijector({
    name: options.name ?? 'chain',
    forwardEvent: Array(ranks[0] as number).fill(null),
    inverseEvent: Array(ranks[parts.length] as number).fill(null),
    forwardCost: slowest(parts.map((part) => part.forwardCost)),
    inverseCost: slowest(parts.map((part) => part.inverseCost)),
    parts: Object.fromEntries(parts.map((part, i) => [`layers.${i}`, part])),
    forward: (x, call) => parts.reduce((value, part) => part.forward(value, call), x),
    inverse: (y, call) => parts.reduceRight((value, part) => part.inverse(value, call), y),
    forwardAndLogDet: run('forward'),
    inverseAndLogDet: run('inverse'),
    initialize:
      first < 0
        ? undefined
        : (data, call) => {
            parts.slice(first).reduceRight((value, part, i) => {
              part.initialize?.(value, call);
              // Nothing before the first part that wants data needs any.
              return i > 0 ? part.inverse(value, call) : value;
            }, data);
          },
  });
}

/** Event ranks before, between and after the parts: the least that let every part see at least its own. */
function eventRanks(parts: readonly Bijector[]): number[] {
  let rank = 0;
  let least = 0;
  const after = parts.map((part) => {
    least = Math.max(least, part.forwardEventRank - rank);
    rank += part.inverseEventRank - part.forwardEventRank;
    return rank;
  });
  return [0, ...after].map((each) => each + least);
}

const COSTS: readonly Cost[] = ['parallel', 'sequential', 'iterative'];

const slowest = (costs: readonly Cost[]): Cost => COSTS[Math.max(...costs.map((cost) => COSTS.indexOf(cost)))] as Cost;
