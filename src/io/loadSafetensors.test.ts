import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { planar } from '../bijectors/planar.js';
import type { Module } from '../core/module.js';
import { buffer, defineModule, parameter } from '../core/module.js';
import { createRng } from '../core/rng.js';
import { encodeSafetensors } from './encodeSafetensors.js';
import type { StoredTensor } from './format.js';
import { loadSafetensors } from './loadSafetensors.js';
import { saveSafetensors } from './saveSafetensors.js';

const flowOf = (seed: number): Module => planar({ dim: 2, rng: createRng(seed) });
const valuesOf = (module: Module): Record<string, number[]> =>
  Object.fromEntries(Object.entries({ ...module.parameters, ...module.buffers }).map(([name, v]) => [name, [...v.dataSync()]]));
const f32 = (values: number[], shape = [values.length]): StoredTensor => ({
  dtype: 'F32',
  shape,
  data: Float32Array.from(values),
});

describe('loadSafetensors', () => {
  it('brings back what was saved, from bytes, a path, a file URL and a server', async () => {
    const saved = flowOf(0);
    const bytes = await saveSafetensors(saved, undefined, { metadata: { epoch: '3' } });
    const folder = await mkdtemp(join(tmpdir(), 'safetensors-'));
    const path = join(folder, 'w.safetensors');
    await writeFile(path, bytes);
    const server = createServer((request, response) => {
      response.statusCode = request.url === '/w' ? 200 : 404;
      response.end(bytes);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      for (const source of [bytes, bytes.slice().buffer as ArrayBuffer, path, pathToFileURL(path), new URL('/w', origin)]) {
        const fresh = flowOf(1);
        const before = tf.memory().numTensors;
        const report = await loadSafetensors(fresh, source);
        expect(tf.memory().numTensors).toBe(before);
        expect(report).toEqual({ loaded: ['w', 'u', 'b'], missing: [], unexpected: [], metadata: { epoch: '3' } });
        expect(valuesOf(fresh)).toEqual(valuesOf(saved));
        fresh.dispose();
      }
      await expect(loadSafetensors(saved, new URL('/no', origin))).rejects.toThrow(/could not fetch '.*\/no': 404/);
      await expect(loadSafetensors(saved, join(folder, 'no'))).rejects.toThrow(/could not read '.*no': ENOENT/);
    } finally {
      server.close();
      await rm(folder, { recursive: true });
      saved.dispose();
    }
  });

  it('lists everything that does not fit in one error and changes nothing', async () => {
    const module = defineModule({
      parameters: {
        w: parameter(() => tf.tensor1d([1, 2])),
        lost: parameter(() => tf.scalar(3)),
        ok: parameter(() => tf.scalar(4)),
      },
      buffers: { count: buffer(() => tf.scalar(5, 'int32')) },
    });
    const before = valuesOf(module);
    const numTensors = tf.memory().numTensors;
    const bytes = encodeSafetensors({ w: f32([1, 2, 3]), ok: f32([9], []), count: f32([9], []), other: f32([1]) });
    await expect(loadSafetensors(module, bytes)).rejects.toThrow(
      'loadSafetensors: the file does not fit the module, which is left as it was: missing: lost; unexpected: other; ' +
        "'w' has shape [2], in the file [3]; 'count' is int32, in the file F32.",
    );
    await expect(loadSafetensors(module, bytes.subarray(0, 40))).rejects.toThrow(/truncated/);
    expect(valuesOf(module)).toEqual(before);
    expect(tf.memory().numTensors).toBe(numTensors);
    module.dispose();
  });

  it('passes over what is missing or unexpected where not strict, but never a wrong shape', async () => {
    const flow = flowOf(0);
    const { u } = valuesOf(flow);
    const report = await loadSafetensors(flow, encodeSafetensors({ w: f32([7, 8]), other: f32([1]) }), { strict: false });
    expect(report).toMatchObject({ loaded: ['w'], missing: ['u', 'b'], unexpected: ['other'] });
    expect(valuesOf(flow)).toMatchObject({ w: [7, 8], u });
    await expect(loadSafetensors(flow, encodeSafetensors({ w: f32([7]) }), { strict: false })).rejects.toThrow(/'w' has shape/);
    flow.dispose();
  });

  it('takes a prefix and other names', async () => {
    const flow = flowOf(0);
    const bytes = encodeSafetensors({
      'flow.weight': f32([1, 2]),
      'flow.u': f32([3, 4]),
      'flow.b': f32([5], []),
      'other.w': f32([6]),
    });
    await loadSafetensors(flow, bytes, { prefix: 'flow.', rename: { weight: 'w' } });
    expect(valuesOf(flow)).toEqual({ w: [1, 2], u: [3, 4], b: [5] });
    const rename = (name: string): string | undefined => (name === 'flow.b' ? 'b' : undefined);
    expect(await loadSafetensors(flow, bytes, { rename, strict: false })).toMatchObject({ loaded: ['b'], unexpected: [] });
    await expect(loadSafetensors(flow, bytes, { prefix: 'flow.', rename: { weight: 'w', u: 'w' } })).rejects.toThrow(
      /two tensors for 'w': 'flow.weight' and 'flow.u'/,
    );
    flow.dispose();
  });

  it('converts numbers of one kind, and refuses values that would be lost', async () => {
    const module = defineModule({
      parameters: { x: parameter(() => tf.zeros([2])) },
      buffers: { n: buffer(() => tf.zeros([2], 'int32')), m: buffer(() => tf.zeros([2], 'bool')) },
    });
    const file = (x: number[], n: bigint[], m: number[]): Uint8Array =>
      encodeSafetensors({
        x: { dtype: 'F64', shape: [2], data: Float64Array.from(x) },
        n: { dtype: 'I64', shape: [2], data: BigInt64Array.from(n) },
        m: { dtype: 'BOOL', shape: [2], data: Uint8Array.from(m) },
      });
    await loadSafetensors(module, file([0.1, Number.NaN], [-5n, 2n ** 31n - 1n], [1, 0]));
    expect(valuesOf(module)).toEqual({ x: [Math.fround(0.1), Number.NaN], n: [-5, 2 ** 31 - 1], m: [1, 0] });
    await expect(loadSafetensors(module, file([1e300, 0], [2n ** 31n, 0n], [2, 0]))).rejects.toThrow(
      /'x' is float32, which cannot hold.* F64.*'n' is int32, which cannot hold.* I64.*'m' is bool, which cannot hold/,
    );
    module.dispose();
  });

  it('loads the flag of an initialised buffer', async () => {
    const make = (value: number): Module => defineModule({ buffers: { initialized: buffer(() => tf.scalar(value)) } });
    const [from, to] = [make(1), make(0)];
    await loadSafetensors(to, await saveSafetensors(from));
    expect(valuesOf(to)).toEqual({ initialized: [1] });
    from.dispose();
    to.dispose();
  });

  it('refuses wrong arguments', async () => {
    const flow = flowOf(0);
    await expect(loadSafetensors(flow, 5 as never)).rejects.toThrow(/source should be a path, a URL, a Uint8Array/);
    await expect(loadSafetensors(flow, new Uint8Array(0), { strikt: true } as never)).rejects.toThrow(/unknown option 'strikt'/);
    const bytes = await saveSafetensors(flow);
    flow.dispose();
    await expect(loadSafetensors(flow, bytes)).rejects.toThrow(/'w' is disposed/);
  });
});
