import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { decodeSafetensors } from './decodeSafetensors.js';
import { encodeSafetensors } from './encodeSafetensors.js';
import type { StoredTensor } from './format.js';

const golden = (name: string): string => fileURLToPath(new URL(`../../test/golden/cases/imports/${name}`, import.meta.url));

/** A file with this header, this length in front of it, and zeros as data. */
function fileOf(header: string | Uint8Array, dataBytes = 0, length?: bigint): Uint8Array {
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const f32 = (shape: unknown, offsets: unknown, dtype: unknown = 'F32'): string =>
  `{"dtype":${JSON.stringify(dtype)},"shape":${JSON.stringify(shape)},"data_offsets":${JSON.stringify(offsets)}}`;

describe('decodeSafetensors', () => {
  it('reads every dtype of the golden file', async () => {
    const [{ params, expected }] = JSON.parse(await readFile(golden('dtypes.json'), 'utf8'));
    const { tensors, metadata } = decodeSafetensors(await readFile(golden('dtypes.safetensors')));
    expect(metadata).toEqual(params.metadata);
    expect([...tensors.keys()].sort()).toEqual(Object.keys(expected).sort());
    for (const { name, dtype, shape } of params.parameters) {
      const tensor = tensors.get(name) as StoredTensor;
      expect([name, tensor.dtype, tensor.shape]).toEqual([name, dtype, shape]);
      expect(Array.from(tensor.data as ArrayLike<number | bigint>, Number)).toEqual(expected[name].data);
    }
  });

  it.each([
    'nflows_maf',
    'nflows_maf_residual',
    'nflows_realnvp',
    'normflows_planar_leaky',
    'normflows_planar_tanh',
    'zuko_maf',
    'zuko_nsf',
  ])('reads %s', async (name) => {
    const [{ params }] = JSON.parse(await readFile(golden(`${name}.json`), 'utf8'));
    const { tensors } = decodeSafetensors(await readFile(golden(`${name}.safetensors`)));
    expect(tensors.size).toBe(params.parameters.length);
    for (const parameter of params.parameters) {
      expect(tensors.get(parameter.name)).toMatchObject({ dtype: parameter.dtype, shape: parameter.shape });
    }
  });

  it('reads the special values of the half types', () => {
    const halves = new Uint8Array(Uint16Array.of(0x0001, 0x8000, 0x03ff, 0x0400, 0x7bff, 0x7c00, 0xfc00, 0x7e00, 0x3555).buffer);
    const file = fileOf(`{"h":${f32([9], [0, 18], 'F16')}}`, 18);
    file.set(halves, file.length - 18);
    const values = decodeSafetensors(file).tensors.get('h')?.data as Float32Array;
    expect([...values]).toEqual([
      2 ** -24,
      -0,
      1023 * 2 ** -24,
      2 ** -14,
      65504,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      Number.NaN,
      0.333251953125,
    ]);
    const brain = fileOf(`{"b":${f32([3], [0, 6], 'BF16')}}`, 6);
    brain.set(new Uint8Array(Uint16Array.of(0x3f80, 0xc2f7, 0xff80).buffer), brain.length - 6);
    expect([...(decodeSafetensors(brain).tensors.get('b')?.data as Float32Array)]).toEqual([1, -123.5, Number.NEGATIVE_INFINITY]);
  });

  it('copies: neither alignment nor a shared buffer shows', () => {
    const bytes = encodeSafetensors({ w: { dtype: 'F32', shape: [2], data: Float32Array.of(1, 2) } });
    const shifted = Buffer.alloc(bytes.length + 3);
    shifted.set(bytes, 3);
    const tensor = decodeSafetensors(shifted.subarray(3)).tensors.get('w') as StoredTensor;
    shifted.fill(0);
    expect([...(tensor.data as Float32Array)]).toEqual([1, 2]);
  });

  it('refuses a file cut anywhere', async () => {
    const bytes = await readFile(golden('dtypes.safetensors'));
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeSafetensors(bytes.subarray(0, length)), `cut at ${length}`).toThrow(
        /^decodeSafetensors: .*truncated|takes 8/,
      );
    }
    expect(() => decodeSafetensors(Buffer.concat([bytes, Buffer.alloc(1)]))).toThrow(/1 bytes follow the end of/);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['a giant header', fileOf('{}', 0, 2n ** 60n), /1152921504606846976 bytes, above the limit/],
    ['the largest header', fileOf('{}', 0, 2n ** 64n - 1n), /18446744073709551615 bytes, above the limit/],
    ['a header longer than the file', fileOf('{}', 0, 50_000_000n), /header has 50000000 bytes, but only 2 follow/],
    ['an empty header', fileOf(''), /does not start with '\{'/],
    ['space before the header', fileOf(' {}'), /does not start with '\{'/],
    ['a byte order mark', fileOf('\ufeff{}'), /does not start with '\{'/],
    ['an array', fileOf('[]'), /does not start with '\{'/],
    ['no JSON', fileOf('{"a":'), /header is no JSON/],
    ['a trailing comma', fileOf('{"a":1,}'), /header is no JSON/],
    ['no UTF-8', fileOf(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d)), /no UTF-8/],
    ['deep nesting', fileOf(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`), /nested deeper than 3|no JSON/],
    ['a name twice', fileOf(`{"a":${f32([0], [0, 0])},"a":${f32([0], [0, 0])}}`), /name 'a' comes twice/],
    [
      'a name twice, written otherwise',
      fileOf(`{"a":${f32([0], [0, 0])},"\\u0061":${f32([0], [0, 0])}}`),
      /name 'a' comes twice/,
    ],
    ['dtype twice', fileOf('{"a":{"dtype":"F32","dtype":"F32","shape":[0],"data_offsets":[0,0]}}'), /name 'dtype' comes twice/],
    ['metadata twice', fileOf('{"__metadata__":{},"__metadata__":{}}'), /name '__metadata__' comes twice/],
    ['__proto__', fileOf(`{"__proto__":${f32([0], [0, 0])}}`), /'__proto__' is not allowed/],
    ['__proto__ in an entry', fileOf('{"a":{"__proto__":{"dtype":"F32"}}}'), /'__proto__' is not allowed/],
    ['metadata that is no object', fileOf('{"__metadata__":"x"}'), /__metadata__ should be an object of strings/],
    ['metadata that is no string', fileOf('{"__metadata__":{"a":1}}'), /__metadata__ should be an object of strings/],
    ['an entry that is no object', fileOf('{"a":7}'), /'a' should be an object with dtype/],
    ['an entry that is null', fileOf('{"a":null}'), /'a' should be an object with dtype/],
    ['an unknown dtype', fileOf(`{"a":${f32([0], [0, 0], 'F8_E4M3')}}`), /dtype of 'a' should be one of BOOL, .*'F8_E4M3'/],
    ['an inherited dtype', fileOf(`{"a":${f32([0], [0, 0], 'toString')}}`), /dtype of 'a' should be one of/],
    [
      'no shape',
      fileOf('{"a":{"dtype":"F32","data_offsets":[0,0]}}'),
      /shape of 'a' should be an array of counts, but is nothing/,
    ],
    ['a negative axis', fileOf(`{"a":${f32([-1], [0, 4])}}`, 4), /shape of 'a' should be an array of counts/],
    ['a fractional axis', fileOf(`{"a":${f32([0.5], [0, 2])}}`, 2), /shape of 'a' should be an array of counts/],
    ['a shape that overflows', fileOf(`{"a":${f32([2 ** 32, 2 ** 32], [0, 4])}}`, 4), /shape of 'a' is too large/],
    [
      'an axis above 2^53',
      fileOf('{"a":{"dtype":"U8","shape":[1e300],"data_offsets":[0,4]}}', 4),
      /shape of 'a' should be an array/,
    ],
    ['one offset', fileOf(`{"a":${f32([1], [0])}}`, 4), /data_offsets of 'a' should be two counts/],
    ['offsets that are strings', fileOf(`{"a":${f32([1], ['0', '4'])}}`, 4), /data_offsets of 'a' should be two counts/],
    ['a negative offset', fileOf(`{"a":${f32([1], [-4, 0])}}`, 4), /data_offsets of 'a' should be two counts/],
    ['a fractional offset', fileOf(`{"a":${f32([1], [0.5, 4.5])}}`, 5), /data_offsets of 'a' should be two counts/],
    ['offsets backwards', fileOf(`{"a":${f32([1], [4, 0])}}`, 4), /takes 4 bytes, but data_offsets are \[4,0\]/],
    ['a size that does not fit', fileOf(`{"a":${f32([3], [0, 8])}}`, 8), /'a' \(F32, shape \[3\]\) takes 12 bytes/],
    ['a tensor beyond the end', fileOf(`{"a":${f32([4], [0, 16])}}`, 8), /'a' ends at 16, but there are 8 bytes/],
    [
      'an overlap',
      fileOf(`{"a":${f32([2], [0, 8])},"b":${f32([2], [4, 12])}}`, 12),
      /'b' starts at 4, which overlaps the end of 'a' at 8/,
    ],
    ['the same place twice', fileOf(`{"a":${f32([2], [0, 8])},"b":${f32([2], [0, 8])}}`, 8), /overlaps/],
    ['a hole', fileOf(`{"a":${f32([1], [0, 4])},"b":${f32([1], [8, 12])}}`, 12), /'b' starts at 8, which leaves a hole/],
    ['a hole at the start', fileOf(`{"a":${f32([1], [4, 8])}}`, 8), /leaves a hole after the start of the data/],
    [
      'an empty tensor inside another',
      fileOf(`{"a":${f32([2], [0, 8])},"b":${f32([0], [4, 4])}}`, 8),
      /'b' starts at 4, which overlaps/,
    ],
    ['data that no tensor has', fileOf('{}', 4), /4 bytes follow the start of the data/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => decodeSafetensors(bytes)).toThrow(message);
  });

  it('refuses what is no Uint8Array', () => {
    expect(() => decodeSafetensors('{}' as never)).toThrow(/file should be a Uint8Array, but got '\{\}'/);
  });

  it('leaves Object.prototype alone', () => {
    expect(() => decodeSafetensors(fileOf('{"__metadata__":{"__proto__":"x"}}'))).toThrow(/not allowed/);
    const { tensors } = decodeSafetensors(fileOf(`{"constructor":${f32([1], [0, 4])}}`, 4));
    expect([...tensors.keys()]).toEqual(['constructor']);
    expect(({} as { dtype?: string }).dtype).toBe(undefined);
  });
});
