import * as tf from '@tensorflow/tfjs';
import type { Distribution } from 'tfjs-flows';
import {
  activeUnits,
  affineCoupling,
  bernoulli,
  betaElbo,
  betaTcVae,
  categorical,
  chain,
  constrainedElbo,
  createRng,
  dequantizedLogProb,
  diagNormal,
  dipVae,
  discretizedLogistic,
  discretizedLogisticMixture,
  elbo,
  elboSurgery,
  estimateLogLikelihood,
  factorVae,
  flow,
  freeBits,
  fullNormal,
  iaf,
  iwae,
  klDivergence,
  laplace,
  logistic,
  logisticMixtureCdf,
  logitPreprocess,
  maf,
  mixture,
  mlp,
  negativeLogLikelihood,
  normal,
  planar,
  reverseKl,
  scaleShift,
  standardNormal,
  studentT,
  totalCorrelation,
  uniform,
  uniformDequantizer,
  vae,
  vampPrior,
  variationalDequantizer,
} from 'tfjs-flows';
import { encodeSafetensors, loadSafetensors } from 'tfjs-flows/io';
import {
  betaVaeScore,
  dci,
  explicitness,
  factorVaeScore,
  gaussianTotalCorrelation,
  imageGrid,
  latentTraversal,
  mig,
  modularity,
  represent,
  sap,
  sprites,
} from 'tfjs-flows/metrics';
import { checkBijector, checkDistribution, expectNoLeak, randomizeParameters } from 'tfjs-flows/testing';
import { fit } from 'tfjs-flows/training';
import { describe, expect, test } from 'vitest';

const rng = createRng(0);

/** Distributions of a tensor of two elements. */
const families: [string, (values: tf.Tensor) => Distribution][] = [
  ['normal', (mean) => normal({ mean, scale: 1 })],
  ['diagNormal', (logScale) => diagNormal({ mean: 0, logScale })],
  ['laplace', (location) => laplace({ location, scale: 1 })],
  ['logistic', (scale) => logistic({ location: 0, scale })],
  ['studentT', (df) => studentT({ df, location: 0, scale: 1, eventShape: [2] })],
  ['studentT', (location) => studentT({ df: 3, location, scale: 1 })],
  ['uniform', (low) => uniform({ low, high: 2 })],
  ['uniform', (high) => uniform({ low: -1, high })],
  ['bernoulli', (logits) => bernoulli({ logits })],
  ['categorical', (logits) => categorical({ logits })],
  ['fullNormal', (mean) => fullNormal({ mean, scaleTril: tf.eye(2) })],
  ['discretizedLogistic', (location) => discretizedLogistic({ location, scale: 1 })],
  ['mixture', (logits) => mixture({ logits, components: [normal({ mean: 0, scale: 1 }), normal({ mean: 1, scale: 1 })] })],
];

describe('tensors that do not fit', () => {
  const bijectors = {
    planar: planar({ dim: 3, rng }),
    affineCoupling: affineCoupling({ dim: 3, rng }),
    maf: maf({ dim: 3, rng }),
    logisticMixtureCdf: logisticMixtureCdf({ dim: 3, components: 2, rng }),
  };
  const wrong: [string, () => unknown, string][] = [
    ['rank', () => tf.scalar(1), 'a float32 tensor of shape [].'],
    ['size', () => tf.zeros([5, 4]), 'a float32 tensor of shape [5, 4].'],
    ['dtype', () => tf.zeros([5, 3], 'int32'), 'a int32 tensor of shape [5, 3].'],
    ['kind', () => [[1, 2, 3]], '[[1,2,3]].'],
  ];
  const methods = ['forward', 'inverse', 'forwardAndLogDet', 'inverseAndLogDet'] as const;
  const table = Object.entries(bijectors).flatMap(([name, bijector]) =>
    methods.flatMap((method) => wrong.map(([what, make, message]) => [name, method, what, bijector, make, message] as const)),
  );
  test.each(table)('%s.%s names a wrong %s', (name, method, _, bijector, make, message) => {
    const argument = method.startsWith('forward') ? 'x' : 'y';
    expect(() => bijector[method](make() as tf.Tensor)).toThrow(
      `${name}.${method}: ${argument} should be a float32 tensor of shape [...batch, 3], but got ${message}`,
    );
  });

  test.each([
    ['nothing', undefined],
    ['a wrong size', tf.zeros([5, 3])],
    ['wrong leading axes', tf.zeros([4, 2])],
  ])('a context that is %s', (_, context) => {
    const bijector = iaf({ dim: 3, contextDim: 2, rng });
    const call = context === undefined ? {} : { context };
    expect(() => bijector.forward(tf.zeros([5, 3]), call)).toThrow(
      'iaf.forward: options.context should be a float32 tensor of shape [5, 2] (leading axes may broadcast), but got',
    );
  });

  test.each(families.filter(([name], i) => name !== 'fullNormal' || i !== 11))(
    '%s after its tensors are disposed',
    (name, make) => {
      const values = tf.ones([2]);
      const distribution = make(values);
      const value = distribution.sample({ rng });
      values.dispose();
      const message = `${name}: each of its parameters should be a tensor in use, but got a float32 tensor of shape [2] that is disposed.`;
      for (const call of [
        () => distribution.sample(),
        () => distribution.logProb(value),
        () => distribution.sampleAndLogProb(),
        ...(distribution.family === undefined ? [] : [distribution.family.parameters]),
      ]) {
        expect(call).toThrow(message);
      }
    },
  );

  test('a disposed distribution', () => {
    const distribution = studentT({ df: 3, eventShape: [2], trainable: true });
    distribution.dispose();
    expect(() => distribution.sample()).toThrow('studentT: each of its parameters should be a tensor in use');
  });

  test.each<[string, () => unknown]>([
    ['maf.inverse: y', () => maf({ dim: 2 }).inverse(tf.zeros([0, 2]))],
    ['normal.logProb: value', () => normal({ mean: 0, scale: 1 }).logProb(tf.zeros([0]))],
    ['mixture: options.logits', () => mixture({ logits: tf.zeros([0]), components: [] })],
  ])('an empty batch: %s', (argument, call) => {
    expect(call).toThrow(
      new RegExp(`${argument} should be a float32 tensor of shape .* with no axis empty, but got .* of shape \\[0`),
    );
  });

  test.each([
    ['standardNormal', () => standardNormal({ eventShape: [3] })],
    ['diagNormal', () => diagNormal({ mean: tf.zeros([3]), scale: tf.ones([3]) })],
    ['logistic', () => logistic({ location: tf.zeros([3]), scale: tf.ones([3]) })],
    ['bernoulli', () => bernoulli({ logits: tf.zeros([3]) })],
  ])('%s.logProb of a wrong size', (name, make) => {
    expect(() => make().logProb(tf.zeros([5, 4]))).toThrow(
      new RegExp(`${name}.*value should be .*3.*got a float32 tensor of shape \\[5, 4\\]`),
    );
  });
});

describe('options that do not fit', () => {
  const cases: [string, () => unknown, string][] = [
    ['planar dim', () => planar({ dim: 0 }), 'planar: options.dim should be a positive integer, but got 0.'],
    ['planar option', () => planar({ dims: 2 } as never), "planar: unknown option 'dims'"],
    [
      'coupling dim',
      () => affineCoupling({ dim: 1 }),
      'affineCoupling: options.dim should be an integer of at least 2, but got 1.',
    ],
    ['coupling mask', () => affineCoupling({ dim: 3, mask: [true, true, true] }), 'affineCoupling: options.mask should be'],
    ['empty chain', () => chain([]), 'chain: '],
    ['scale of zero', () => scaleShift({ scale: 0 }), 'scaleShift: options.scale should be'],
    ['levels', () => uniformDequantizer({ levels: 1 }), 'uniformDequantizer: options.levels should be'],
    [
      'levels of a learnt dequantizer',
      () => variationalDequantizer({ levels: 70000, flow: standardNormal({ eventShape: [2] }) }),
      'variationalDequantizer: options.levels should be',
    ],
    [
      'flow of a dequantizer',
      () => variationalDequantizer({ levels: 4 } as never),
      'variationalDequantizer: options.flow should be',
    ],
    [
      'order of a Renyi bound',
      () =>
        dequantizedLogProb({
          distribution: standardNormal({ eventShape: [1] }),
          dequantizer: uniformDequantizer({ levels: 4 }),
          bound: 'renyi',
          alpha: -1,
        }),
      'dequantizedLogProb: options.alpha should be',
    ],
    ['lambda of the logit', () => logitPreprocess({ levels: 256, lambda: 1 }), 'logitPreprocess: options.lambda should be'],
    [
      'option of a dequantizer call',
      () => uniformDequantizer({ levels: 4 }).sampleAndLogProb(tf.tensor1d([1]), { samples: 2 } as never),
      "uniformDequantizer.sampleAndLogProb: unknown option 'samples'",
    ],
    [
      'option of an objective call',
      () =>
        dequantizedLogProb({ distribution: standardNormal({ eventShape: [1] }), dequantizer: uniformDequantizer({ levels: 4 }) })(
          tf.tensor1d([1]),
          { contexts: tf.zeros([1]) } as never,
        ),
      "dequantizedLogProb: unknown option 'contexts'",
    ],
    ['samples', () => elbo({ model: {} as never, samples: 0 }), 'elbo: options.model should be'],
    [
      'base of a flow',
      () => flow({ base: standardNormal({ eventShape: [] }), bijector: planar({ dim: 2 }) }),
      'flow: options.base.eventShape should be',
    ],
    [
      'encoder',
      () =>
        vae({ encoder: mlp({ inputDim: 4, hidden: [], outputDim: 3 }), decoder: mlp({ inputDim: 2, hidden: [], outputDim: 4 }) }),
      'vae: options.encoder.outputDim should be 4: a mean and a log-scale for each of 2 latents, but got 3.',
    ],
  ];
  test.each(cases)('%s', (_, make, message) => {
    expect(make).toThrow(message);
  });
});

describe('what is no generator, or no option of a call', () => {
  test.each([...families, ['flow', () => flow({ base: standardNormal({ eventShape: [2] }), bijector: planar({ dim: 2 }) })]])(
    '%s',
    (name, make) => {
      const distribution = (make as (values: tf.Tensor) => Distribution)(tf.ones([2]));
      const value = distribution.sample({ rng });
      for (const method of ['sample', 'sampleAndLogProb'] as const) {
        expect(() => distribution[method]({ rng: 5 as never })).toThrow(
          `${name}.${method}: options.rng should be a generator that createRng made, but got 5.`,
        );
      }
      expect(() => distribution.logProb(value, { rng: {} as never })).toThrow(`${name}.logProb: options.rng should be`);
      for (const property of ['mean', 'mode', 'entropy'] as const) {
        if (distribution[property] !== undefined) {
          expect(() => distribution[property]?.({ contexts: 1 } as never)).toThrow(
            `${name}.${property}: unknown option 'contexts'`,
          );
        }
      }
      expect(() => klDivergence(distribution, distribution, 5 as never)).toThrow('klDivergence: options should be an object');
    },
  );

  test.each<[string, () => unknown]>([
    ['planar', () => planar({ dim: 2, rng: Math.random as never })],
    ['maf.forward', () => maf({ dim: 2 }).forward(tf.zeros([2]), { rng: 1 as never })],
    ['sprites.drawFactors', () => sprites().drawFactors(2, 7 as never)],
    ['sprites.drawNuisance', () => sprites().drawNuisance(2, null as never)],
    ['randomizeParameters', () => randomizeParameters(planar({ dim: 2 }), { rng: 'seed' as never })],
  ])('%s', (where, call) => {
    expect(call).toThrow(`${where}: options.rng should be a generator that createRng made`);
  });
});

describe('variational models', () => {
  const model = vae({
    encoder: mlp({ inputDim: 4, hidden: [], outputDim: 4, rng }),
    decoder: mlp({ inputDim: 2, hidden: [], outputDim: 4, rng }),
  });
  const x = tf.zeros([3, 4]);

  const objectives = {
    elbo: elbo({ model }),
    betaElbo: betaElbo({ model, beta: 2 }),
    constrainedElbo: constrainedElbo({ model, epsilon: 1 }),
    iwae: iwae({ model, samples: 2 }),
    freeBits: freeBits({ model, nats: 0.1 }),
    betaTcVae: betaTcVae({ model, beta: 2, dataCount: 3 }),
    dipVae: dipVae({ model, lambdaOd: 1, lambdaD: 1 }),
    negativeLogLikelihood: negativeLogLikelihood({ distribution: standardNormal({ eventShape: [4] }) }),
  };
  test.each(Object.entries(objectives))('%s of a wrong call', (name, objective) => {
    expect(() => objective(x, { rng: {} as never })).toThrow(`${name}: options.rng should be a generator`);
    expect(() => objective(x, null as never)).toThrow(`${name}: options should be an object`);
    expect(() => objective(tf.zeros([3, 5]))).toThrow(/should be a float32 tensor of shape \[\.\.\.batch, 4\], but got/);
    expect(() => objective([[1, 2, 3, 4]] as never)).toThrow('but got [[1,2,3,4]].');
  });

  test.each([
    ['estimateLogLikelihood', estimateLogLikelihood],
    ['elboSurgery', elboSurgery],
    ['totalCorrelation', totalCorrelation],
    ['activeUnits', activeUnits],
  ])('%s of data that are no list of events', async (name, report) => {
    await expect(report({ model, data: tf.zeros([2, 3, 4]) })).rejects.toThrow(
      `${name}: options.data should be of shape [N, ...event], the event as the model takes it, but got a float32 tensor of shape [2, 3, 4].`,
    );
    // One event, which looks like four numbers.
    await expect(report({ model, data: tf.zeros([4]) })).rejects.toThrow('but got a float32 tensor of shape [1].');
    await expect(report({ model, data: tf.zeros([0, 4]) })).rejects.toThrow(
      `${name}: options.data should be a tensor of shape [N,`,
    );
    await expect(report({ model, data: x, rng: 3 as never })).rejects.toThrow(`${name}: options.rng should be a generator`);
  });

  test.each<[object, string]>([
    [{ rng: 5 }, 'options.rng should be a generator'],
    [{ shape: 5 }, 'options.shape should be a list of sizes, but got 5.'],
    [{ count: 5 }, "unknown option 'count'"],
  ])('vae.sample with %j', (options, message) => {
    expect(() => model.sample(options)).toThrow(`vae.sample: ${message}`);
  });

  test.each<[string, () => unknown, string]>([
    [
      'a network of another library',
      () => vae({ encoder: tf.sequential(), decoder: 5 } as never),
      'vae: options.encoder should be a conditioner, but got a Sequential.',
    ],
    ['beta', () => betaElbo({ model, beta: -1 }), 'betaElbo: options.beta should be'],
    ['nats', () => freeBits({ model, nats: 'few' as never }), 'freeBits: options.nats should be'],
    ['epsilon', () => constrainedElbo({ model } as never), 'constrainedElbo: options.epsilon should be'],
    ['samples', () => iwae({ model, samples: 1.5 }), 'iwae: options.samples should be a positive integer, but got 1.5.'],
    ['dataCount', () => betaTcVae({ model, beta: 2, dataCount: 0 }), 'betaTcVae: options.dataCount should be'],
    ['lambda', () => dipVae({ model, lambdaOd: Number.NaN, lambdaD: 1 }), 'dipVae: options.lambdaOd should be'],
    ['discriminator', () => factorVae({ model } as never), 'factorVae: options.'],
    [
      'energy',
      () => reverseKl({ distribution: standardNormal({ eventShape: [2] }), energy: 3 as never }),
      'reverseKl: options.energy should be a function of x, but got 3.',
    ],
    [
      'pseudo-inputs',
      () => vampPrior({ posterior: () => standardNormal({ eventShape: [2] }), pseudoInputs: [1] as never, eventShape: [2] }),
      'vampPrior: options.pseudoInputs should be',
    ],
    ['gradient', () => elbo({ model, gradient: 'score' as never }), 'elbo: options.gradient should be'],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(message);
  });
});

describe('options of distributions', () => {
  test.each<[string, () => unknown, string]>([
    [
      'df',
      () => studentT({ df: 0, location: 0, scale: 1 }),
      'studentT: options.df should be a finite number above 0, but got 0.',
    ],
    [
      'df that is a word',
      () => studentT({ df: 'many' as never, location: 0, scale: 1 }),
      "studentT: options.df should be a float32 tensor of shape [...batch], but got 'many'.",
    ],
    [
      'components',
      () => mixture({ logits: tf.zeros([2]), components: [] }),
      'mixture: options.components should be 2, as the logits have it, but got 0.',
    ],
    [
      'logits',
      () => mixture({ logits: [1, 2] as never, components: [] }),
      'mixture: options.logits should be a float32 tensor of shape [...batch, ?], but got [1,2].',
    ],
    ['a factor', () => fullNormal({ mean: tf.zeros([2]), scaleTril: tf.zeros([2]) }), 'fullNormal: options.scaleTril should be'],
    ['levels', () => discretizedLogistic({ location: 0, scale: 1, levels: 1 }), 'discretizedLogistic: options.levels should be'],
    ['bounds', () => discretizedLogistic({ location: 0, scale: 1, low: 1 }), 'discretizedLogistic: options.high should be'],
    [
      'one K',
      () => discretizedLogisticMixture({ logits: tf.zeros([2]), means: tf.zeros([3]), logScales: tf.zeros([2]) }),
      'discretizedLogisticMixture: options.means should be',
    ],
    [
      'KL of what is none',
      () => klDivergence(standardNormal({ eventShape: [2] }), null as never),
      'klDivergence: q should be a distribution, but got null.',
    ],
    [
      'KL without a formula',
      () => klDivergence(laplace({ location: 0, scale: 1 }), logistic({ location: 0, scale: 1 })),
      "klDivergence: no formula is known for KL('laplace' || 'logistic')",
    ],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(message);
  });
});

describe('metrics', () => {
  test.each<[string, (options: never) => Promise<unknown>]>([
    ['mig', mig],
    ['sap', sap],
    ['dci', dci],
    ['modularity', modularity],
    ['explicitness', explicitness],
    ['betaVaeScore', betaVaeScore],
    ['factorVaeScore', factorVaeScore],
    ['gaussianTotalCorrelation', gaussianTotalCorrelation],
  ])('%s of codes that are none', async (name, metric) => {
    await expect(metric({ codes: tf.zeros([3]), factors: [[1], [2], [3]] } as never)).rejects.toThrow(new RegExp(`^${name}: `));
    await expect(metric(undefined as never)).rejects.toThrow(`${name}: options should be an object`);
    const gone = tf.zeros([3, 2]);
    gone.dispose();
    await expect(metric({ codes: gone } as never)).rejects.toThrow(
      `${name}: options.codes should be a tensor of shape [N, columns]`,
    );
  });

  const model = vae({
    encoder: mlp({ inputDim: 4, hidden: [], outputDim: 4, rng }),
    decoder: mlp({ inputDim: 2, hidden: [], outputDim: 4, rng }),
  });
  test.each<[object, string]>([
    [{ latents: [2] }, 'latentTraversal: options.latents should be integers from 0 to 1, but got [2].'],
    [
      { imageShape: [-2, -2, 1] },
      'latentTraversal: options.imageShape should be a shape of 4 elements, as an event has, but got [-2,-2,1].',
    ],
    [{ imageShape: [0.5, 8] }, 'latentTraversal: options.imageShape should be a shape of 4 elements'],
    [
      { model: { ...model, posterior: () => null }, x: tf.zeros([4]) },
      'latentTraversal: options.model.posterior(x) should be a distribution, but got null.',
    ],
    [
      { model: { ...model, likelihood: () => 5 } },
      'latentTraversal: options.model.likelihood(z) should be a distribution, but got 5.',
    ],
  ])('latentTraversal with %j', (options, message) => {
    expect(() => latentTraversal({ model, ...options })).toThrow(message);
  });

  test.each(['render', 'drawFactors', 'drawNuisance', 'factorGrid'])('represent of a simulator without %s', async (name) => {
    const simulator = { ...sprites(), [name]: undefined } as never;
    await expect(represent({ simulator, encode: (images: tf.Tensor) => images })).rejects.toThrow(
      'represent: options.simulator should be a simulator',
    );
  });

  test('imageGrid of no images', () => {
    expect(() => imageGrid({ images: tf.zeros([3]) })).toThrow('imageGrid: options.images should be');
  });
});

describe('checks of laws', () => {
  const distribution = standardNormal({ eventShape: [1] });
  test.each<[object, string]>([
    [{ distribution: {} }, 'options.distribution should be a distribution, but got {}.'],
    [
      { distribution: diagNormal({ mean: tf.zeros([3, 1]), scale: 1 }) },
      "options.distribution should be a single one, but got 'a batch of shape [3]'.",
    ],
    [{ support: 5 }, 'options.support should be [low, high], but got 5.'],
    [{ support: [1, 0] }, 'options.support[1] should be a finite number above 1, but got 0.'],
    [{ support: ['a', 1] }, "options.support[0] should be a finite number, but got 'a'."],
    [{ cells: 0 }, 'options.cells should be a positive integer, but got 0.'],
    [{ samples: 1 }, 'options.samples should be an integer of at least 2, but got 1.'],
    [{ tolerance: '1' }, "options.tolerance should be a finite number at least 0, but got '1'."],
    [{ values: 5 }, 'options.values should be a list of lists of 1 numbers, but got 5.'],
    [{ values: [] }, 'options.values should be a list of lists of 1 numbers, but got [].'],
    [{ values: [[1], [1, 2]] }, 'options.values should be a list of lists of 1 numbers, but got [[1],[1,2]].'],
    [{ rng: 1 }, 'options.rng should be a generator'],
  ])('checkDistribution with %j', async (options, message) => {
    await expect(checkDistribution({ distribution, ...options })).rejects.toThrow(`checkDistribution: ${message}`);
  });

  test('the others', async () => {
    await expect(checkBijector({ bijector: {}, x: tf.zeros([2]) } as never)).rejects.toThrow(
      'checkBijector: options.bijector should be a bijector',
    );
    await expect(expectNoLeak(5 as never)).rejects.toThrow('expectNoLeak: f should be a function, but got 5.');
    expect(() => randomizeParameters(undefined as never)).toThrow(
      'randomizeParameters: module should be something with parameters',
    );
    expect(() => randomizeParameters(planar({ dim: 2 }), { scale: 'x' as never })).toThrow(
      "randomizeParameters: options.scale should be a finite number, but got 'x'.",
    );
    expect(() => randomizeParameters(planar({ dim: 2 }), { sigma: 1 } as never)).toThrow(
      "randomizeParameters: unknown option 'sigma'",
    );
  });
});

describe('data that do not fit', () => {
  test.each([
    ['above', [0, 256]],
    ['below', [-1, 3]],
    ['between', [0.5, 3]],
    ['NaN', [Number.NaN, 3]],
  ])('x that lies %s the levels of a dequantizer', (_, values) => {
    const dequantizer = uniformDequantizer({ levels: 256 });
    const objective = dequantizedLogProb({ distribution: standardNormal({ eventShape: [2] }), dequantizer });
    const message = /x should hold integers of 0 \.\.\. 255, but element \d is (256|-1|0\.5|NaN)\./;
    expect(() => dequantizer.sampleAndLogProb(tf.tensor1d(values))).toThrow(message);
    expect(() => objective(tf.tensor1d(values))).toThrow(message);
  });

  test('NaN in the data of fit', async () => {
    const model = planar({ dim: 2, rng });
    const before = Object.values(model.parameters).map((value) => [...value.dataSync()]);
    const loss = (x: tf.Tensor): tf.Tensor => tf.neg(tf.sum(model.inverse(x)));
    const data = tf.tensor2d([
      [0, 1],
      [Number.NaN, 2],
    ]);
    await expect(fit({ model, data, loss, epochs: 1 })).rejects.toThrow(/fit: options\.data.*NaN/);
    await expect(fit({ model, data: [data], loss, epochs: 1 })).rejects.toThrow(/fit: .*step 1.*NaN/);
    expect(Object.values(model.parameters).map((value) => [...value.dataSync()])).toEqual(before);
  });

  test('no data for ELBO surgery', async () => {
    const model = vae({
      encoder: mlp({ inputDim: 4, hidden: [], outputDim: 4, rng }),
      decoder: mlp({ inputDim: 2, hidden: [], outputDim: 4, rng }),
    });
    await expect(elboSurgery({ model, data: [1, 2] as never })).rejects.toThrow('elboSurgery: options.data should be');
  });
});

describe('hostile safetensors', () => {
  const model = planar({ dim: 2, rng });
  const good = encodeSafetensors({
    w: { dtype: 'F32', shape: [2], data: new Float32Array([1, 2]) },
    u: { dtype: 'F32', shape: [2], data: new Float32Array([3, 4]) },
    b: { dtype: 'F32', shape: [], data: new Float32Array([5]) },
  });
  const withHeader = (header: string, bytes = 20): Uint8Array => {
    const text = new TextEncoder().encode(header);
    const file = new Uint8Array(8 + text.length + bytes);
    new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
    file.set(text, 8);
    return file;
  };
  const entry = (start: unknown, end: unknown, shape: unknown = [2]): string =>
    JSON.stringify({ dtype: 'F32', shape, data_offsets: [start, end] });
  const giant = (size: bigint): Uint8Array => {
    const file = good.slice();
    new DataView(file.buffer).setBigUint64(0, size, true);
    return file;
  };

  test('a good file loads', async () => {
    await loadSafetensors(model, good);
    expect([...(model.parameters.w as tf.Variable).dataSync()]).toEqual([1, 2]);
  });

  const files: [string, Uint8Array, string][] = [
    ['nothing', new Uint8Array(0), 'it has 0 bytes'],
    ['half a length', good.slice(0, 5), 'it has 5 bytes'],
    ['a cut header', good.slice(0, 40), 'only 32 follow; the file is truncated'],
    ['cut data', good.slice(0, good.length - 3), 'the file is truncated'],
    ['more than it says', Uint8Array.from([...good, 0]), '1 bytes follow the end'],
    ['a header of 2^60 bytes', giant(2n ** 60n), 'the header would have 1152921504606846976 bytes'],
    ['a header of 2^64 - 1 bytes', giant(2n ** 64n - 1n), 'above the limit'],
    ['a header beyond the file', giant(BigInt(good.length)), 'the file is truncated'],
    ['no JSON', withHeader('{"w":'), 'the header is no JSON'],
    ['a list', withHeader('[]', 0), 'the header does not start with'],
    [
      'overlapping offsets',
      withHeader(`{"w":${entry(0, 8)},"u":${entry(4, 12)},"b":${entry(12, 16, [])}}`, 16),
      "'u' starts at 4, which overlaps",
    ],
    [
      'offsets out of range',
      withHeader(`{"w":${entry(0, 8)},"u":${entry(8, 1e6)},"b":${entry(16, 20, [])}}`),
      'takes 8 bytes, but data_offsets are [8,1000000]',
    ],
    [
      'offsets that run backwards',
      withHeader(`{"w":${entry(8, 0)},"u":${entry(8, 16)},"b":${entry(16, 20, [])}}`),
      'takes 8 bytes, but data_offsets are [8,0]',
    ],
    [
      'negative offsets',
      withHeader(`{"w":${entry(-8, 0)},"u":${entry(0, 8)},"b":${entry(8, 12, [])}}`, 12),
      "data_offsets of 'w' should be two counts",
    ],
    [
      'fractional offsets',
      withHeader(`{"w":${entry(0.5, 8.5)},"u":${entry(8.5, 16.5)},"b":${entry(16, 20, [])}}`),
      "data_offsets of 'w' should be two counts",
    ],
    [
      'a hole',
      withHeader(`{"w":${entry(0, 8)},"u":${entry(12, 20)},"b":${entry(20, 24, [])}}`, 24),
      "'u' starts at 12, which leaves a hole after",
    ],
    [
      'a shape that its data do not have',
      withHeader(`{"w":${entry(0, 8, [3])},"u":${entry(8, 16)},"b":${entry(16, 20, [])}}`),
      'takes 12 bytes, but data_offsets are [0,8]',
    ],
    [
      'a giant shape',
      withHeader(`{"w":${entry(0, 8, [2 ** 40, 2 ** 40])},"u":${entry(8, 16)},"b":${entry(16, 20, [])}}`),
      "the shape of 'w' is too large",
    ],
    [
      'an unknown dtype',
      withHeader(`{"w":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}}`, 8),
      "the dtype of 'w' should be one of",
    ],
    ['a name twice', withHeader(`{"w":${entry(0, 8)},"w":${entry(8, 16)},"b":${entry(16, 20, [])}}`), "the name 'w' comes twice"],
  ];
  test.each(files)('a file with %s is refused and changes nothing', async (_, file, message) => {
    const before = Object.values(model.parameters).map((value) => [...value.dataSync()]);
    const { numTensors } = tf.memory();
    await expect(loadSafetensors(model, file)).rejects.toThrow(message);
    expect(Object.values(model.parameters).map((value) => [...value.dataSync()])).toEqual(before);
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  test('missing, unexpected and misshaped names come in one error', async () => {
    const other = encodeSafetensors({
      w: { dtype: 'F32', shape: [3], data: new Float32Array(3) },
      v: { dtype: 'F32', shape: [2], data: new Float32Array(2) },
      b: { dtype: 'F32', shape: [], data: new Float32Array(1) },
    });
    const error = await loadSafetensors(model, other).catch((reason: Error) => reason.message);
    expect(error).toMatch(/missing.*u/is);
    expect(error).toMatch(/unexpected.*v/is);
    expect(error).toMatch(/w.*\[3\].*\[2\]|w.*\[2\].*\[3\]/is);
  });
});
