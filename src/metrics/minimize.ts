/** Writes the gradient at x into its second argument and returns the value. */
export type Objective = (x: Float64Array, gradient: Float64Array) => number;

/**
 * The least point of a smooth convex function: L-BFGS (Nocedal 1980) with backtracking, from 0, until no entry of the gradient
 * exceeds the tolerance or nothing gets better.
 */
export function minimize(objective: Objective, size: number, tolerance: number): Float64Array {
  let x: Float64Array<ArrayBufferLike> = new Float64Array(size);
  let gradient = new Float64Array(size);
  let value = objective(x, gradient);
  const pairs: Pair[] = [];
  for (let iteration = 0; iteration < ITERATIONS && gradient.some((g) => Math.abs(g) > tolerance); iteration++) {
    const direction = newtonLike(gradient, pairs);
    const slope = dot(direction, gradient);
    const here = x;
    let length = pairs.length === 0 ? 1 / Math.max(1, Math.sqrt(-slope)) : 1;
    const next = new Float64Array(size);
    let nextValue: number;
    let candidate: Float64Array;
    do {
      const step = length;
      candidate = here.map((entry, i) => entry + step * (direction[i] as number));
      nextValue = objective(candidate, next);
      length /= 2;
    } while (nextValue > value + SLACK * 2 * length * slope && length > SHORTEST);
    if (!(nextValue < value)) {
      break;
    }
    const moved = candidate.map((entry, i) => entry - (here[i] as number));
    const turned = next.map((entry, i) => entry - (gradient[i] as number));
    const curvature = dot(moved, turned);
    if (curvature > 0) {
      pairs.push({ moved, turned, curvature });
      pairs.splice(0, pairs.length - MEMORY);
    }
    [x, gradient, value] = [candidate, next, nextValue];
  }
  return x;
}

interface Pair {
  readonly moved: Float64Array;
  readonly turned: Float64Array;
  readonly curvature: number;
}

const ITERATIONS = 1000;
const MEMORY = 10;
/** The part of the decrease that the slope promises which a step has to bring. */
const SLACK = 1e-4;
const SHORTEST = 1e-12;

/** Minus the gradient times what is known of the inverse Hessian: the two loops over the last pairs. */
function newtonLike(gradient: Float64Array, pairs: readonly Pair[]): Float64Array {
  const direction = gradient.map((g) => -g);
  const factors = new Float64Array(pairs.length);
  for (let p = pairs.length - 1; p >= 0; p--) {
    const { moved, turned, curvature } = pairs[p] as Pair;
    factors[p] = dot(moved, direction) / curvature;
    addTo(direction, -(factors[p] as number), turned);
  }
  const last = pairs.at(-1);
  if (last !== undefined) {
    const scale = last.curvature / dot(last.turned, last.turned);
    direction.forEach((entry, i) => {
      direction[i] = entry * scale;
    });
  }
  pairs.forEach(({ moved, turned, curvature }, p) => {
    addTo(direction, (factors[p] as number) - dot(turned, direction) / curvature, moved);
  });
  return direction;
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((total, value, i) => total + value * (b[i] as number), 0);
}

function addTo(target: Float64Array, factor: number, source: Float64Array): void {
  source.forEach((value, i) => {
    target[i] = (target[i] as number) + factor * value;
  });
}
