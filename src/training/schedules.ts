import { checkInteger, checkNumber, checkOptions, invalid } from '../core/errors.js';

/** A number for each step, counted from 1: the learning rate of `fit`, or a weight or capacity of `betaElbo` in `tfjs-flows`. */
export type Schedule = (step: number) => number;

/**
 * The same rate at every step.
 *
 * @throws for a negative rate.
 * @example
 * ```ts
 * import { constantSchedule } from 'tfjs-flows/training';
 *
 * console.log(constantSchedule(0.01)(500)); // => 0.01
 * ```
 */
export function constantSchedule(learningRate: number): Schedule {
  checkNumber('constantSchedule', 'learningRate', learningRate, { least: 0 });
  return () => learningRate;
}

/** What `warmupSchedule` takes. */
export interface WarmupScheduleOptions {
  /** The step that first has the full rate. */
  readonly steps: number;
  /** What follows, and what is scaled until then: a rate, or a schedule, which counts from 1 after the warmup. */
  readonly then: number | Schedule;
}

/**
 * Grows in a straight line: min(1, step / steps) times the rate at the start of what follows.
 *
 * @throws for a number of steps below 1.
 * @example
 * ```ts
 * import { warmupSchedule } from 'tfjs-flows/training';
 *
 * const rate = warmupSchedule({ steps: 4, then: 0.5 });
 * console.log([1, 2, 4, 9].map(rate)); // => [ 0.125, 0.25, 0.5, 0.5 ]
 * ```
 */
export function warmupSchedule(options: WarmupScheduleOptions): Schedule {
  checkOptions('warmupSchedule', options, ['steps', 'then']);
  const { steps, then } = options;
  checkInteger('warmupSchedule', 'options.steps', steps, 1);
  if (typeof then !== 'function' && typeof then !== 'number') {
    throw invalid('warmupSchedule', 'options.then', 'a rate or a schedule', then);
  }
  const after = typeof then === 'function' ? then : constantSchedule(then);
  return (step) => (step < steps ? (after(1) * step) / steps : after(step - steps + 1));
}

/** What `cosineSchedule` takes. */
export interface CosineScheduleOptions {
  /** The rate of step 1. */
  readonly learningRate: number;
  /** How many steps the fall takes. */
  readonly steps: number;
  /** The rate from then on. Default 0. */
  readonly final?: number;
}

/**
 * Half a cosine: final + (learningRate - final) (1 + cos(pi min(1, (step - 1) / steps))) / 2.
 *
 * @throws for negative rates or a number of steps below 1.
 * Source: Loshchilov and Hutter 2017, "SGDR: stochastic gradient descent with warm restarts", equation 5.
 * @example
 * ```ts
 * import { cosineSchedule } from 'tfjs-flows/training';
 *
 * const rate = cosineSchedule({ learningRate: 1, steps: 100 });
 * console.log([1, 51, 101, 200].map((step) => rate(step).toFixed(3))); // => [ '1.000', '0.500', '0.000', '0.000' ]
 * ```
 */
export function cosineSchedule(options: CosineScheduleOptions): Schedule {
  checkOptions('cosineSchedule', options, ['learningRate', 'steps', 'final']);
  const { learningRate, steps, final = 0 } = options;
  checkNumber('cosineSchedule', 'options.learningRate', learningRate, { least: 0 });
  checkInteger('cosineSchedule', 'options.steps', steps, 1);
  checkNumber('cosineSchedule', 'options.final', final, { least: 0 });
  return (step) => final + ((learningRate - final) * (1 + Math.cos(Math.PI * Math.min(1, (step - 1) / steps)))) / 2;
}

/** What `exponentialSchedule` takes. */
export interface ExponentialScheduleOptions {
  /** The rate of step 1. */
  readonly learningRate: number;
  /** What the rate is multiplied by in `every` steps: in (0, 1]. */
  readonly factor: number;
  /** Default 1. */
  readonly every?: number;
  /** In jumps, every so many steps one, instead of a little at each step. Default false. */
  readonly staircase?: boolean;
}

/**
 * learningRate factor^((step - 1) / every), the exponent rounded down where `staircase`.
 *
 * @throws for a negative rate, a factor outside (0, 1], or `every` below 1.
 * @example
 * ```ts
 * import { exponentialSchedule } from 'tfjs-flows/training';
 *
 * const rate = exponentialSchedule({ learningRate: 1, factor: 0.5, every: 10, staircase: true });
 * console.log([1, 10, 11, 21].map(rate)); // => [ 1, 1, 0.5, 0.25 ]
 * ```
 */
export function exponentialSchedule(options: ExponentialScheduleOptions): Schedule {
  checkOptions('exponentialSchedule', options, ['learningRate', 'factor', 'every', 'staircase']);
  const { learningRate, factor, every = 1, staircase = false } = options;
  checkNumber('exponentialSchedule', 'options.learningRate', learningRate, { least: 0 });
  checkNumber('exponentialSchedule', 'options.factor', factor, { above: 0, most: 1 });
  checkInteger('exponentialSchedule', 'options.every', every, 1);
  return (step) => {
    const exponent = (step - 1) / every;
    return learningRate * factor ** (staircase ? Math.floor(exponent) : exponent);
  };
}

/** What `linearSchedule` takes. */
export interface LinearScheduleOptions {
  /** The value of step 1. Default 0. */
  readonly from?: number;
  /** The value from step `steps` + 1 on. */
  readonly to: number;
  /** How many steps the way takes. */
  readonly steps: number;
}

/**
 * A straight line: from + (to - from) min(1, (step - 1) / steps). As a capacity of `betaElbo`, from 0 to 25 nats, say.
 *
 * @throws for negative values or a number of steps below 1.
 * Source: Burgess et al. 2018, "Understanding disentangling in beta-VAE", section 4.2, for the capacity.
 * @example
 * ```ts
 * import { linearSchedule } from 'tfjs-flows/training';
 *
 * const capacity = linearSchedule({ to: 25, steps: 100 });
 * console.log([1, 51, 101, 200].map(capacity)); // => [ 0, 12.5, 25, 25 ]
 * ```
 */
export function linearSchedule(options: LinearScheduleOptions): Schedule {
  checkOptions('linearSchedule', options, ['from', 'to', 'steps']);
  const { from = 0, to, steps } = options;
  checkNumber('linearSchedule', 'options.from', from, { least: 0 });
  checkNumber('linearSchedule', 'options.to', to, { least: 0 });
  checkInteger('linearSchedule', 'options.steps', steps, 1);
  return (step) => from + (to - from) * Math.min(1, (step - 1) / steps);
}

/** What `cyclicalSchedule` takes. */
export interface CyclicalScheduleOptions {
  /** Steps of a cycle. */
  readonly period: number;
  /** The share of a cycle in which the value grows, above 0 and at most 1. Default 0.5. */
  readonly rising?: number;
  /** The value that a cycle ends with. Default 1. */
  readonly to?: number;
  /** Cycles, after which the value stays. Default: no end of them. */
  readonly cycles?: number;
}

/**
 * Grows from 0 in a straight line and stays, again and again: to min(1, tau / rising), tau = ((step - 1) mod period) / period. As a
 * beta of `betaElbo`, each cycle uses the latents that the one before has found.
 *
 * @throws for a period or cycles below 1, a share outside (0, 1], a negative value.
 * Source: Fu et al. 2019, "Cyclical annealing schedule: a simple approach to mitigating KL vanishing", equations 6 and 7.
 * @example
 * ```ts
 * import { cyclicalSchedule } from 'tfjs-flows/training';
 *
 * const beta = cyclicalSchedule({ period: 8, rising: 0.5 });
 * console.log([1, 3, 5, 8, 9, 11].map(beta)); // => [ 0, 0.5, 1, 1, 0, 0.5 ]
 * ```
 */
export function cyclicalSchedule(options: CyclicalScheduleOptions): Schedule {
  checkOptions('cyclicalSchedule', options, ['period', 'rising', 'to', 'cycles']);
  const { period, rising = 0.5, to = 1, cycles } = options;
  checkInteger('cyclicalSchedule', 'options.period', period, 1);
  checkNumber('cyclicalSchedule', 'options.rising', rising, { above: 0, most: 1 });
  checkNumber('cyclicalSchedule', 'options.to', to, { least: 0 });
  if (cycles !== undefined) {
    checkInteger('cyclicalSchedule', 'options.cycles', cycles, 1);
  }
  const end = (cycles ?? Number.POSITIVE_INFINITY) * period;
  return (step) => (step > end ? to : to * Math.min(1, ((step - 1) % period) / period / rising));
}
