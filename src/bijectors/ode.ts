import type { Tensor } from '@tensorflow/tfjs-core';
import {
  abs,
  add,
  broadcastTo,
  cast,
  clipByValue,
  div,
  fill,
  greater,
  greaterEqual,
  lessEqual,
  logicalOr,
  max,
  maximum,
  minimum,
  mul,
  neg,
  ones,
  pow,
  scalar,
  sub,
  tidy,
  zeros,
} from '@tensorflow/tfjs-core';
import { select } from '../core/select.js';
import { untaped } from '../core/stopGradient.js';

/** dx/dt at a time (a scalar, or [...batch, 1]) and x [...batch, D], then the rates [...batch, 1] of what is integrated along the path. */
export type Field = (time: Tensor, x: Tensor) => Tensor[];

/** An explicit Runge-Kutta method: its Butcher tableau. */
export interface Tableau {
  readonly order: number;
  /** For each stage after the first, how far along the slopes before it; a stage's time is their sum. */
  readonly stages: readonly (readonly number[])[];
  /** How far the step goes along the slopes of the stages. */
  readonly weights: readonly number[];
  /** The step less that of the embedded method of one order less; the last is of the slope at the step's end. */
  readonly error?: readonly number[];
}

/** What `integrate` takes. */
export interface OdeProblem {
  readonly field: Field;
  /** Where the path starts, [...batch, D]. */
  readonly x: Tensor;
  /** 'forward': from time 0 to time 1. 'backward': from time 1 to time 0. */
  readonly direction: 'forward' | 'backward';
  readonly tableau: Tableau;
  /** How many steps are made or, with a tolerance, tried. */
  readonly steps: number;
  /** How far a step may be off, as tolerance (1 + |x|); needs the tableau's `error`. Default: steps of equal size. */
  readonly tolerance?: number | undefined;
}

/**
 * x at the end of the path dx/dt = field(t, x), and the integrals of the other rates along it: one explicit Runge-Kutta routine for
 * steps of equal size and for steps of each example's own.
 *
 * With a tolerance a step is made again, smaller, where its estimated error in x is too large (the other rates have no say: x is the
 * same with them and without), and the next one is larger where it is small, up to twice an equal one. All stays on the device: so
 * many attempts, neither more nor fewer, each example with its own time, step size and verdict; those that have arrived make steps of
 * size zero. An attempt may fail only as long as those that are left suffice for the rest of the way: so every path arrives, and one
 * that asks for more attempts than there are makes the rest of them in steps twice as large as equal ones.
 *
 * Gradients are those of the steps that were made, their sizes held constant.
 *
 * Source: Hairer, Norsett and Wanner, "Solving ordinary differential equations I", sections II.1 and II.4.
 */
export function integrate(problem: OdeProblem): Tensor[] {
  const slopes = fieldAt(problem, scalar(0), [problem.x]);
  const start = { state: [problem.x, ...slopes.slice(1).map((rate) => zeros(rate.shape))], slopes };
  return problem.tolerance === undefined ? equalSteps(problem, start) : ownSteps(problem, start, problem.tolerance);
}

/** The classical method of fourth order (Kutta 1901). */
export const RK4: Tableau = {
  order: 4,
  stages: [[1 / 2], [0, 1 / 2], [0, 0, 1]],
  weights: [1 / 6, 1 / 3, 1 / 3, 1 / 6],
};

/** Of fifth order, with an embedded method of fourth order (Dormand and Prince 1980). */
export const DOPRI5: Tableau = {
  order: 5,
  stages: [
    [1 / 5],
    [3 / 40, 9 / 40],
    [44 / 45, -56 / 15, 32 / 9],
    [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
    [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
  ],
  weights: [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
  error: [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40],
};

/** A point of the path: x and the integrals so far, and the slopes of all of them there. */
interface Point {
  readonly state: Tensor[];
  readonly slopes: Tensor[];
}

function equalSteps(problem: OdeProblem, start: Point): Tensor[] {
  const { steps } = problem;
  let point = start;
  for (const i of Array(steps).keys()) {
    const from = point;
    point = tidy(() => {
      const state = advance(problem, from, scalar(i / steps), scalar(1 / steps)).state;
      // Nobody asks for the slopes at the end.
      return { state, slopes: i + 1 < steps ? fieldAt(problem, scalar((i + 1) / steps), state) : [] };
    }) as unknown as Point;
  }
  return point.state;
}

interface Attempt extends Point {
  /** The way still to go and the size of the next step, both of [0, 1] and constants: [...batch, 1]. */
  readonly remaining: Tensor;
  readonly size: Tensor;
}

function ownSteps(problem: OdeProblem, start: Point, tolerance: number): Tensor[] {
  const { steps, tableau } = problem;
  const longest = LONGEST / steps;
  const shape = [...problem.x.shape.slice(0, -1), 1];
  let attempt: Attempt = { ...start, remaining: ones(shape), size: fill(shape, 1 / steps) };
  for (const i of Array(steps).keys()) {
    const from = attempt;
    attempt = tidy(() => {
      // What the other attempts that are left cannot cover.
      const least = sub(from.remaining, (steps - i - 1) * longest);
      const size = minimum(maximum(minimum(from.size, longest), least), from.remaining);
      const { state, passed } = advance(problem, from, sub(1, from.remaining), size);
      const remaining = sub(from.remaining, size);
      const slopes = fieldAt(problem, sub(1, remaining), state);
      const [x, next] = [from.state[0] as Tensor, state[0] as Tensor];
      /** The largest of the coordinates' errors, in units of what is allowed. */
      const error = untaped(() => {
        const difference = mul(size, along(tableau.error as readonly number[], [...passed, slopes], 0));
        const allowed = mul(add(maximum(abs(x), abs(next)), 1), tolerance);
        return max(div(abs(difference), allowed), -1, true);
      });
      const verdict = cast(logicalOr(lessEqual(error, 1), greater(least, 0)), 'float32');
      const choose = (made: Tensor, kept: Tensor): Tensor =>
        select(greaterEqual(broadcastTo(verdict, made.shape), 0.5), made, kept);
      return {
        state: state.map((value, part) => choose(value, from.state[part] as Tensor)),
        slopes: slopes.map((value, part) => choose(value, from.slopes[part] as Tensor)),
        remaining: choose(remaining, from.remaining),
        size: mul(size, stretch(error, tableau.order)),
      };
    }) as unknown as Attempt;
  }
  return attempt.state;
}

/** The state a step of the given size further, and the slopes of the stages that it passed. */
function advance(
  problem: OdeProblem,
  { state, slopes }: Point,
  elapsed: Tensor,
  size: Tensor,
): { state: Tensor[]; passed: Tensor[][] } {
  const { stages, weights } = problem.tableau;
  const signed = problem.direction === 'forward' ? size : neg(size);
  const passed = [slopes];
  for (const row of stages) {
    const share = row.reduce((sum, weight) => sum + weight, 0);
    const x = add(state[0] as Tensor, mul(signed, along(row, passed, 0)));
    passed.push(fieldAt(problem, add(elapsed, mul(size, share)), [x]));
  }
  return { state: state.map((value, part) => add(value, mul(signed, along(weights, passed, part)))), passed };
}

/** All slopes after so much of the way. */
const fieldAt = ({ field, direction }: OdeProblem, elapsed: Tensor, [x]: readonly Tensor[]): Tensor[] =>
  field(direction === 'forward' ? elapsed : sub(1, elapsed), x as Tensor);

/** The weighted sum of the slopes of one part of the state. */
function along(weights: readonly number[], passed: readonly (readonly Tensor[])[], part: number): Tensor {
  const terms = weights.flatMap((weight, stage) =>
    weight === 0 ? [] : [mul((passed[stage] as Tensor[])[part] as Tensor, weight)],
  );
  return terms.reduce((sum, term) => add(sum, term));
}

/** By how much the next step may be longer: that its error be allowed, with a margin. */
const stretch = (error: Tensor, order: number): Tensor =>
  mul(pow(clipByValue(error, (MARGIN / LONGER) ** order, (MARGIN / SHORTER) ** order), -1 / order), MARGIN);

const MARGIN = 0.9;
const LONGER = 5;
const SHORTER = 0.2;

/** In equal steps: the other half of the attempts are for where they are needed. */
const LONGEST = 2;
