// What every bijector of the conformance table makes of inputs up to 30 in size. scripts/float32.mjs runs it on every backend and once
// in float64, and compares.
import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import { dispose, tensor } from '@tensorflow/tfjs-core';
import type { Bijector } from 'tfjs-flows';
import { createRng, invert } from 'tfjs-flows';
import { describe, test } from 'vitest';
import type { BijectorCase } from '../conformance/bijectors.js';
import { bijectorCases } from '../conformance/bijectors.js';

type Numbers = Record<'x' | 'back' | 'logDet', string>;

declare module 'vitest' {
  interface TaskMeta {
    /** Numbers by name, as text: JSON has neither NaN nor infinities. */
    measured?: { readonly name: string; readonly direction: string; readonly numbers: Numbers };
  }
}

const MOST = 30;
/** Draws of the parameters, and inputs for each: a prime number. */
const [DRAWS, INPUTS] = [2, 61];

describe.each(bijectorCases)('$name', (line) => {
  const { name, event, inverseEvent = event } = line;
  test('forward', async ({ task }) => {
    const numbers = await measure(line, (bijector) => bijector, event, line.limits);
    task.meta.measured = { name, direction: 'forward', numbers };
  });
  test('inverse', async ({ task }) => {
    task.meta.measured = { name, direction: 'inverse', numbers: await measure(line, invert, inverseEvent, line.inverseLimits) };
  });
});

async function measure(
  line: BijectorCase,
  wrap: (bijector: Bijector) => Bijector,
  event: readonly number[],
  [low, high]: readonly [number, number] = [-MOST, MOST],
): Promise<Numbers> {
  const found: Record<keyof Numbers, number[]> = { x: [], back: [], logDet: [] };
  for (let draw = 0; draw < DRAWS; draw++) {
    const rng = createRng(draw);
    const bijector = wrap(line.make(rng));
    for (const value of Object.values(bijector.parameters)) {
      await assign(value, rng.normal(value.shape));
    }
    for (const value of Object.values(bijector.buffers)) {
      await assign(value, value.clone());
    }
    const context = line.contextDim === undefined ? undefined : await rounded(rng.normal([INPUTS, line.contextDim]));
    const call = context === undefined ? {} : { context };
    const x = inputs(event, Math.max(low, -MOST), Math.min(high, MOST));
    const [exact, logDet] = bijector.forwardAndLogDet(x, call);
    const y = await rounded(exact);
    const back = bijector.inverse(y, call);
    for (const [name, value] of Object.entries({ x, back, logDet })) {
      found[name as keyof Numbers].push(...(await value.data()));
    }
    dispose([x, y, back, logDet, ...(context === undefined ? [] : [context])]);
    bijector.dispose();
  }
  return { x: `${found.x}`, back: `${found.back}`, logDet: `${found.logDet}` };
}

/** Numbers evenly between the bounds, each once in every element of the event, in other orders. */
function inputs(event: readonly number[], low: number, high: number): Tensor {
  const size = event.reduce((a, b) => a * b, 1);
  const values = Array.from({ length: INPUTS * size }, (_, i) => {
    const [n, d] = [Math.floor(i / size), i % size];
    return Math.fround(low + ((high - low) * (((n * (5 * d + 1)) % INPUTS) + 0.5)) / INPUTS);
  });
  return tensor(values, [INPUTS, ...event]);
}

async function assign(to: Variable, value: Tensor): Promise<void> {
  const exact = await rounded(value);
  to.assign(exact);
  exact.dispose();
}

/** The same numbers to float32's precision, which the reference's tensors exceed; frees what it is given. */
async function rounded(value: Tensor): Promise<Tensor> {
  const values = Array.from(await value.data(), Math.fround);
  value.dispose();
  return tensor(values, value.shape, value.dtype);
}
