/** The element types of the format that are read and, but for F16 and BF16, written. */
export type SafetensorsDtype =
  | 'BOOL'
  | 'U8'
  | 'I8'
  | 'U16'
  | 'I16'
  | 'F16'
  | 'BF16'
  | 'U32'
  | 'I32'
  | 'F32'
  | 'U64'
  | 'I64'
  | 'F64';

/** The arrays that hold the elements on the host. */
export type SafetensorsArray =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

/** A tensor as a file holds it. */
export interface StoredTensor {
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  /** Row by row: Float32Array for F32, F16 and BF16 (exact), Uint8Array for U8 and BOOL, otherwise the array of its type. */
  readonly data: SafetensorsArray;
}

/** What a file holds. */
export interface Safetensors {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

interface ElementType {
  /** Size of an element in the file. */
  readonly bytes: number;
  readonly array: new (source: ArrayBuffer) => SafetensorsArray;
  /** Where JavaScript has no such array: from the bits to float32 values. */
  readonly widen?: (bits: Uint16Array) => Float32Array;
}

/** How each type lies in a file and on the host. */
export const ELEMENT_TYPES: Readonly<Record<SafetensorsDtype, ElementType>> = {
  BOOL: { bytes: 1, array: Uint8Array },
  U8: { bytes: 1, array: Uint8Array },
  I8: { bytes: 1, array: Int8Array },
  U16: { bytes: 2, array: Uint16Array },
  I16: { bytes: 2, array: Int16Array },
  F16: { bytes: 2, array: Uint16Array, widen: fromHalf },
  BF16: { bytes: 2, array: Uint16Array, widen: fromBrainFloat },
  U32: { bytes: 4, array: Uint32Array },
  I32: { bytes: 4, array: Int32Array },
  F32: { bytes: 4, array: Float32Array },
  U64: { bytes: 8, array: BigUint64Array },
  I64: { bytes: 8, array: BigInt64Array },
  F64: { bytes: 8, array: Float64Array },
};

/** The eight bytes of the header's length. */
export const LENGTH_BYTES = 8;

/** What the reference implementation allows, too: the bound on what a hostile file can make a reader parse. */
export const MOST_HEADER_BYTES = 100_000_000;

export function isDtype(name: unknown): name is SafetensorsDtype {
  return typeof name === 'string' && Object.hasOwn(ELEMENT_TYPES, name);
}

/** IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits. */
function fromHalf(bits: Uint16Array): Float32Array {
  return Float32Array.from(bits, (half) => {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0x1f) {
      return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    }
    return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
  });
}

/** The upper halves of float32 numbers. */
function fromBrainFloat(bits: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(bits, (upper) => upper << 16).buffer);
}
