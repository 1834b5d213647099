// The density of every flow over the plane is one: its integral, by adaptive quadrature, is 1. That takes no derivative of the map, so
// a log-det is checked apart from automatic differentiation.
import type { Tensor } from '@tensorflow/tfjs-core';
import { add, dispose, fill, mul, tensor2d, tidy } from '@tensorflow/tfjs-core';
import type { Bijector, CallOptions, Distribution } from 'tfjs-flows';
import { createRng, diagNormal, flow, invert, planar } from 'tfjs-flows';
import { randomizeParameters } from 'tfjs-flows/testing';
import { describe, expect, test } from 'vitest';
import type { BijectorCase } from '../conformance/bijectors.js';
import { bijectorCases } from '../conformance/bijectors.js';

const TOLERANCE = 1e-3;

/**
 * Parameters are drawn at scale 1, save where that makes the density's ridges thinner than a thousandth of the plane that it covers,
 * which the first cells would miss: a triangular factor of a diagonal near 0; mixtures with log-scales of -7, which a network moves
 * about; spline bins as narrow as 0.004. A continuous flow in few steps conserves mass only as far as these steps are exact.
 */
const SCALES: Readonly<Record<string, number>> = {
  'lowerUpper without a bias': 0.5,
  rationalQuadraticSpline: 0.5,
  logisticMixtureCoupling: 0.3,
  'autoregressive with logistic mixtures': 0.5,
  continuousFlow: 0.5,
  'continuousFlow by rk4, from a context': 0.5,
  'continuousFlow in steps of its own': 0.5,
};

const directions = [
  ['forward', (bijector: Bijector) => bijector, ({ domain }: BijectorCase) => domain],
  ['inverted', invert, ({ image }: BijectorCase) => image],
] as const;

describe.each(bijectorCases.filter(({ event }) => event.join() === '2'))('flow by $name', (line) => {
  test.each(directions)('%s: the density integrates to 1', async (_, wrap, domainOf) => {
    const rng = createRng(7);
    const bijector = wrap(line.make(rng));
    randomizeParameters(bijector, { rng, scale: SCALES[line.name] ?? 1 });
    const context = line.contextDim === undefined ? undefined : rng.normal([line.contextDim]);
    const total = await integral(bijector, domainOf(line), context === undefined ? {} : { context });
    dispose(context === undefined ? [] : [context]);
    bijector.dispose();
    expect(Math.abs(total - 1)).toBeLessThan(TOLERANCE);
  });
});

test('a log-det that is wrong by a little shows', async () => {
  const right = planar({ dim: 2, rng: createRng(1) });
  randomizeParameters(right, { rng: createRng(2) });
  const wrong: Bijector = {
    ...right,
    inverseAndLogDet: (y, call) => {
      const [x, logDet] = right.inverseAndLogDet(y, call);
      return [x, mul(logDet, 1.05)];
    },
  };
  expect(Math.abs((await integral(right, undefined, {})) - 1)).toBeLessThan(TOLERANCE);
  expect(Math.abs((await integral(wrong, undefined, {})) - 1)).toBeGreaterThan(2 * TOLERANCE);
});

/** How many standard deviations of the base are seen: 1.4e-5 of its mass lies outside. */
const REACH = 4.5;
/** Points of the base along an axis that tell where the density lies. */
const POINTS = 49;
/** How often the plane is halved for the first cells. */
const HALVINGS = 7;
/** A cell is divided until that changes its share by less. */
const SHARE = 5e-6;
const MOST_DIVISIONS = 7;

/** The integral over the plane of the density of the flow over a normal base that lies within the domain. */
async function integral(
  bijector: Bijector,
  [low, high] = [-10, 10] as readonly [number, number],
  call: CallOptions,
): Promise<number> {
  const [mean, scale] = [(low + high) / 2, (high - low) / 20];
  const place = [fill([2], mean), fill([2], scale)] as const;
  const density = flow({ base: diagNormal({ mean: place[0], scale: place[1] }), bijector });
  const mapped = tidy(() => {
    const axis = Array.from({ length: POINTS }, (_, i) => (2 * i) / (POINTS - 1) - 1);
    const grid = tensor2d(axis.flatMap((a) => axis.map((b) => [a, b])));
    return bijector.forward(add(mul(grid, REACH * scale), mean), call);
  });
  const values = await mapped.data();
  dispose(mapped);
  const points = Array.from({ length: POINTS ** 2 }, (_, i): Point => [values[2 * i] as number, values[2 * i + 1] as number]);
  const total = await adaptively(density, firstCells(points), call);
  dispose([...place]);
  return total;
}

type Point = readonly [number, number];

interface Cell {
  readonly low: Point;
  readonly high: Point;
}

/** Halves of halves, each with half of the points: small where the map is steep. */
function firstCells(points: readonly Point[], cell: Cell = around(points), depth = HALVINGS): Cell[] {
  if (depth === 0) {
    return [cell];
  }
  const axis = depth % 2;
  const sorted = [...points].sort((a, b) => (a[axis] as number) - (b[axis] as number));
  const half = sorted.length >> 1;
  const cut = sorted[half]?.[axis] as number;
  const at = (point: Point): Point => (axis === 0 ? [cut, point[1]] : [point[0], cut]);
  return [
    ...firstCells(sorted.slice(0, half + 1), { low: cell.low, high: at(cell.high) }, depth - 1),
    ...firstCells(sorted.slice(half), { low: at(cell.low), high: cell.high }, depth - 1),
  ];
}

function around(points: readonly Point[]): Cell {
  const end = (pick: typeof Math.min): Point => [pick(...points.map(([a]) => a)), pick(...points.map(([, b]) => b))];
  return { low: end(Math.min), high: end(Math.max) };
}

/** Divides cells, all that need it at once, until their shares no longer change. */
async function adaptively(density: Distribution, cells: readonly Cell[], call: CallOptions): Promise<number> {
  let total = 0;
  let open = cells;
  let shares = await sharesOf(density, open, call);
  for (let i = 0; i < MOST_DIVISIONS && open.length > 0; i++) {
    const quarters = open.flatMap(quartersOf);
    const finer = await sharesOf(density, quarters, call);
    const changed = open.map((_, k) => {
      const sum = [0, 1, 2, 3].reduce((s, q) => s + (finer[4 * k + q] as number), 0);
      const settled = Math.abs(sum - (shares[k] as number)) < SHARE;
      total += settled ? sum : 0;
      return !settled;
    });
    open = quarters.filter((_, k) => changed[Math.floor(k / 4)]);
    shares = finer.filter((_, k) => changed[Math.floor(k / 4)]);
  }
  return shares.reduce((sum, share) => sum + share, total);
}

function quartersOf({ low, high }: Cell): Cell[] {
  const middle = [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2] as const;
  const [left, right] = [[low[0], middle[0]] as const, [middle[0], high[0]] as const];
  const [below, above] = [[low[1], middle[1]] as const, [middle[1], high[1]] as const];
  return [left, right].flatMap((a) => [below, above].map((b): Cell => ({ low: [a[0], b[0]], high: [a[1], b[1]] })));
}

/** Gauss and Legendre's rule of three points along each axis of a cell. */
const RULE = [
  [-Math.sqrt(0.6), 5 / 18],
  [0, 8 / 18],
  [Math.sqrt(0.6), 5 / 18],
] as const;

async function sharesOf(density: Distribution, cells: readonly Cell[], call: CallOptions): Promise<number[]> {
  const nodes = cells.flatMap(({ low, high }) => {
    const half = [(high[0] - low[0]) / 2, (high[1] - low[1]) / 2] as const;
    return RULE.flatMap(([a, u]) =>
      RULE.map(([b, v]) => ({
        at: [low[0] + half[0] * (1 + a), low[1] + half[1] * (1 + b)],
        weight: 4 * half[0] * half[1] * u * v,
      })),
    );
  });
  const logProb: Tensor = tidy(() => density.logProb(tensor2d(nodes.map(({ at }) => at)), call));
  const values = await logProb.data();
  logProb.dispose();
  const size = RULE.length ** 2;
  return cells.map((_, k) =>
    nodes
      .slice(size * k, size * (k + 1))
      .reduce((sum, { weight }, i) => sum + weight * Math.exp(values[size * k + i] as number), 0),
  );
}
