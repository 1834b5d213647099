import { describe, expect, it } from 'vitest';
import { decodeSafetensors } from './decodeSafetensors.js';
import { encodeSafetensors } from './encodeSafetensors.js';
import type { StoredTensor } from './format.js';

describe('encodeSafetensors', () => {
  const tensors: Record<string, StoredTensor> = {
    'schicht.gewicht-ä "quoted"\\ :{': { dtype: 'BOOL', shape: [3], data: Uint8Array.of(1, 0, 1) },
    scalar: { dtype: 'F32', shape: [], data: Float32Array.of(Number.NaN) },
    empty: { dtype: 'I32', shape: [0, 3], data: new Int32Array(0) },
    wide: { dtype: 'I64', shape: [2], data: BigInt64Array.of(-(2n ** 63n), 5n) },
    double: { dtype: 'F64', shape: [1], data: Float64Array.of(Math.PI) },
    part: { dtype: 'I16', shape: [2], data: new Int16Array([9, -3, 4, 9]).subarray(1, 3) },
  };

  it('comes back as it was, every tensor aligned', () => {
    const bytes = encodeSafetensors(tensors, { note: 'ä "quoted"' });
    const back = decodeSafetensors(bytes);
    expect(Object.fromEntries(back.tensors)).toEqual(tensors);
    expect(back.metadata).toEqual({ note: 'ä "quoted"' });
    expect(new DataView(bytes.buffer).getBigUint64(0, true) % 8n).toBe(0n);
    expect(encodeSafetensors(back.tensors, back.metadata)).toEqual(bytes);
  });

  it('writes an empty file', () => {
    expect(decodeSafetensors(encodeSafetensors({})).tensors.size).toBe(0);
  });

  it.each<[Record<string, unknown>, RegExp]>([
    [{ a: { dtype: 'F16', shape: [1], data: Float32Array.of(1) } }, /dtype of 'a' should be one of BOOL, .*but got 'F16'/],
    [{ a: { dtype: 'F32', shape: [1], data: Float64Array.of(1) } }, /data of 'a' should be Float32Array\(1\).*Float64Array/],
    [{ a: { dtype: 'F32', shape: [2, 2], data: new Float32Array(3) } }, /data of 'a' should be Float32Array\(4\)/],
    [{ a: { dtype: 'F32', shape: [-1], data: new Float32Array(1) } }, /shape of 'a' should be an integer/],
    [{ __metadata__: { dtype: 'F32', shape: [1], data: new Float32Array(1) } }, /cannot have the name '__metadata__'/],
  ])('refuses %j', (wrong, message) => {
    expect(() => encodeSafetensors(wrong as never)).toThrow(message);
  });

  it('refuses metadata that is no string', () => {
    expect(() => encodeSafetensors({}, { step: 3 as never })).toThrow(/metadata.step should be a string, but got 3/);
  });
});
