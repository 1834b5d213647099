import * as tf from '@tensorflow/tfjs';
import {
  affineCoupling,
  bernoulli,
  chain,
  createRng,
  dequantizedLogProb,
  diagNormal,
  elbo,
  elboSurgery,
  flow,
  iaf,
  logistic,
  logisticMixtureCdf,
  logitPreprocess,
  maf,
  mlp,
  planar,
  scaleShift,
  standardNormal,
  uniformDequantizer,
  vae,
  variationalDequantizer,
} from 'tfjs-flows';
import { encodeSafetensors, loadSafetensors } from 'tfjs-flows/io';
import { fit } from 'tfjs-flows/training';
import { describe, expect, test } from 'vitest';

const rng = createRng(0);

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
