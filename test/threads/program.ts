// Trains and evaluates models on WASM by as many threads as its argument says, and prints what comes out and how often the second worked.
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { add, concat, grads, mean, neg, reshape, slice, sum, tensor, tidy } from '@tensorflow/tfjs-core';
import type { Flow } from 'tfjs-flows';
import {
  aggregatedPosteriorLogProb,
  createRng,
  diagNormal,
  flow,
  logisticMixtureCdf,
  logisticMixtureCoupling,
  standardNormal,
  sylvester,
} from 'tfjs-flows';
import { useBackend } from 'tfjs-flows/backends';
import { mafFlow, realNvp, splineFlow } from 'tfjs-flows/models';
import { adam } from 'tfjs-flows/training';
import { takePieces, waitForSecondThread } from './pieces.js';

const threads = Number(process.argv[2]) as 1 | 2;
await useBackend(['wasm'], { threads });

waitForSecondThread();
const [dim, rows] = [13, 203];
const rng = createRng(3);
const data = rng.normal([rows, dim]);
const base = standardNormal({ eventShape: [dim] });
const models: Record<string, Flow> = {
  affine: flow({ base, bijector: realNvp({ dim, hidden: [70, 66], rng }) }),
  maf: flow({ base, bijector: mafFlow({ dim, hidden: [70, 66], rng }) }),
  spline: flow({ base, bijector: splineFlow({ dim, hidden: [70, 66], rng }) }),
  mixture: flow({ base, bijector: logisticMixtureCoupling({ dim, components: 5, hidden: [70, 66], rng }) }),
};
const results: Record<string, number[]> = {};
for (const [name, model] of Object.entries(models)) {
  const optimizer = adam({ learningRate: 1e-3 });
  const losses: number[] = [];
  for (let step = 0; step < 4; step++) {
    const loss = optimizer.minimize(() => neg(mean(model.logProb(data))), true, Object.values(model.parameters)) as Scalar;
    losses.push((await loss.data())[0] as number);
    loss.dispose();
  }
  results[name] = [...losses, ...(await numbersOf(() => model.sample({ shape: [rows], rng: createRng(4) })))];
}

const cdf = logisticMixtureCdf({ dim, components: 6, rng });
results.inverse = await numbersOf(() =>
  cdf.inverse(
    tensor(
      [...Array(rows * dim).keys()].map((i) => Math.sin(i)),
      [rows, dim],
    ),
  ),
);
const bent = sylvester({ dim: 32, variant: 'triangular', contextDim: 5, rng });
const at = [rng.normal([rows, 32]), rng.normal([rows, 5])] as const;
results.sylvester = await numbersOf(() => {
  const gradients = grads((x: Tensor, context: Tensor) => {
    const [y, logDet] = bent.forwardAndLogDet(x, { context });
    return add(sum(y), sum(logDet));
  })([...at]);
  const [y, logDet] = bent.forwardAndLogDet(at[0], { context: at[1] });
  return concat([y, ...gradients, logDet].map((made) => reshape(made, [-1])));
});
const means = createRng(5).normal([600, dim]);
results.aggregate = Array.from(
  await aggregatedPosteriorLogProb({
    posterior: (start, end) => diagNormal({ mean: slice(means, [start, 0], [end - start, dim]), scale: 0.5, eventShape: [dim] }),
    count: 600,
    z: data,
  }),
);
console.log(JSON.stringify({ pieces: takePieces(), results }));

async function numbersOf(make: () => Tensor): Promise<number[]> {
  const made = tidy(make);
  const numbers = Array.from(await made.data());
  made.dispose();
  return numbers;
}
