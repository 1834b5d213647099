import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { planar } from '../bijectors/planar.js';
import { buffer, defineModule, parameter } from '../core/module.js';
import { createRng } from '../core/rng.js';
import { decodeSafetensors } from './decodeSafetensors.js';
import { saveSafetensors } from './saveSafetensors.js';

describe('saveSafetensors', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'safetensors-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('saves parameters and buffers with their dtypes', async () => {
    const module = defineModule({
      parameters: { w: parameter(() => tf.tensor2d([[1, 2, 3]])) },
      buffers: { mask: buffer(() => tf.tensor1d([true, false], 'bool')), count: buffer(() => tf.scalar(7, 'int32')) },
    });
    const before = tf.memory().numTensors;
    const { tensors, metadata } = decodeSafetensors(await saveSafetensors(module, undefined, { metadata: { note: 'x' } }));
    expect(tf.memory().numTensors).toBe(before);
    expect(Object.fromEntries(tensors)).toEqual({
      w: { dtype: 'F32', shape: [1, 3], data: Float32Array.of(1, 2, 3) },
      mask: { dtype: 'BOOL', shape: [2], data: Uint8Array.of(1, 0) },
      count: { dtype: 'I32', shape: [], data: Int32Array.of(7) },
    });
    expect(metadata).toEqual({ note: 'x' });
    module.dispose();
  });

  it('saves a record of tensors, whatever their names', async () => {
    const parameters = tf.scalar(2);
    const { tensors } = decodeSafetensors(await saveSafetensors({ parameters, x: parameters }));
    expect([...tensors.keys()]).toEqual(['parameters', 'x']);
    parameters.dispose();
  });

  it('saves a module that is a function', async () => {
    const module = defineModule({ parameters: { a: parameter(() => tf.scalar(7)) } });
    const saved = decodeSafetensors(await saveSafetensors(Object.assign(() => 1, module)));
    expect([...saved.tensors.keys()]).toEqual(['a']);
    module.dispose();
  });

  it('saves the values at the call', async () => {
    const flow = planar({ dim: 2, rng: createRng(0) });
    const now = [...flow.parameters.w!.dataSync()];
    const saving = saveSafetensors(flow);
    tf.tidy(() => flow.parameters.w!.assign(tf.zeros([2])));
    expect([...(decodeSafetensors(await saving).tensors.get('w')!.data as Float32Array)]).toEqual(now);
    flow.dispose();
  });

  it('writes a file whole and nothing beside it, through a link too', async () => {
    const flow = planar({ dim: 2, rng: createRng(0) });
    const path = join(folder, 'weights.safetensors');
    const link = join(folder, 'latest');
    await writeFile(path, 'old');
    await symlink(path, link);
    await saveSafetensors(flow, link);
    expect(new Uint8Array(await readFile(path))).toEqual(await saveSafetensors(flow));
    expect((await readdir(folder)).sort()).toEqual(['latest', 'weights.safetensors']);
    flow.dispose();
  });

  it('leaves the old file where saving fails', async () => {
    const flow = planar({ dim: 2, rng: createRng(0) });
    const path = join(folder, 'weights.safetensors');
    await writeFile(path, 'old');
    flow.parameters.u!.dispose();
    await expect(saveSafetensors(flow, path)).rejects.toThrow(/'u' should be a float32, int32 or bool tensor.*disposed/);
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['weights.safetensors']);
    flow.dispose();
  });

  it('removes the temporary file where the rename fails', async () => {
    const flow = planar({ dim: 2, rng: createRng(0) });
    await expect(saveSafetensors(flow, folder)).rejects.toThrow(/^saveSafetensors: could not write '.*': E/);
    expect(await readdir(folder)).toEqual([]);
    const beside = (await readdir(join(folder, '..'))).filter((name) => name.startsWith(folder.split('/').pop()!));
    expect(beside.length).toBe(1);
    await expect(saveSafetensors(flow, join(folder, 'no', 'folder'))).rejects.toThrow(/could not write .*ENOENT/);
    flow.dispose();
  });

  it('says that a path needs Node', async () => {
    vi.stubGlobal('process', undefined);
    try {
      await expect(saveSafetensors({}, 'x')).rejects.toThrow('saveSafetensors: a path needs Node; in a browser pass bytes.');
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it('refuses what it cannot save', async () => {
    const text = tf.tensor1d(['a']);
    const both = defineModule({ parameters: { a: parameter(() => tf.scalar(1)) }, buffers: { a: buffer(() => tf.scalar(1)) } });
    await expect(saveSafetensors({ text })).rejects.toThrow(/'text' should be a float32, int32 or bool tensor, but got a string/);
    await expect(saveSafetensors(both)).rejects.toThrow(/parameters and buffers share the names a;/);
    await expect(saveSafetensors(null as never)).rejects.toThrow(/should be a module, or tensors by name/);
    await expect(saveSafetensors((() => 1) as never)).rejects.toThrow(
      /should be a module, or tensors by name, but got a Function/,
    );
    await expect(saveSafetensors({}, 3 as never)).rejects.toThrow(/path should be a path, or left out/);
    await expect(saveSafetensors({}, undefined, { meta: {} } as never)).rejects.toThrow(/unknown option 'meta'/);
    text.dispose();
    both.dispose();
  });
});
