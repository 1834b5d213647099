import type { DataType, Tensor, Variable } from '@tensorflow/tfjs-core';
import { tensor, tidy } from '@tensorflow/tfjs-core';
import type { SafetensorsDtype, StoredTensor } from './format.js';

/** Which stored tensor goes where, found before anything is assigned. */
export interface Match {
  readonly loaded: readonly string[];
  /** Names that only the module has. */
  readonly missing: readonly string[];
  /** Names that only the file has, as the file calls them. */
  readonly unexpected: readonly string[];
  /** Gives the variables their values, all of them or, where a tensor cannot be made, none. */
  assign(): void;
}

/** How names of a file become names of a module. */
export interface Naming {
  readonly strict: boolean;
  readonly prefix: string;
  rename(name: string): string | undefined;
}

/**
 * Pairs a module's variables with stored tensors.
 *
 * @throws one error with every problem: names that are missing or (where strict) unexpected, two tensors for one name, other
 * shapes, other kinds of number, values that the variable's dtype cannot hold.
 */
export function matchTensors(
  where: string,
  variables: Readonly<Record<string, Variable>>,
  stored: ReadonlyMap<string, StoredTensor>,
  { strict, prefix, rename }: Naming,
): Match {
  const problems: string[] = [];
  const unexpected: string[] = [];
  const found = new Map<string, { from: string; values: DeviceArray }>();
  for (const [from, entry] of stored) {
    const name = from.startsWith(prefix) ? rename(from.slice(prefix.length)) : undefined;
    if (name === undefined) {
      continue;
    }
    const variable = Object.hasOwn(variables, name) ? variables[name] : undefined;
    const earlier = found.get(name);
    if (variable === undefined) {
      unexpected.push(from);
    } else if (earlier !== undefined) {
      problems.push(`two tensors for '${name}': '${earlier.from}' and '${from}'`);
    } else {
      const values = convert(entry, variable);
      if (typeof values === 'string') {
        problems.push(`'${name}' ${values}`);
      }
      found.set(name, { from, values: values as DeviceArray });
    }
  }
  const missing = Object.keys(variables).filter((name) => !found.has(name));
  if (strict && unexpected.length > 0) {
    problems.unshift(`unexpected: ${unexpected.join(', ')}`);
  }
  if (strict && missing.length > 0) {
    problems.unshift(`missing: ${missing.join(', ')}`);
  }
  if (problems.length > 0) {
    throw new Error(`${where}: the file does not fit the module, which is left as it was: ${problems.join('; ')}.`);
  }

  const assign = (): void =>
    tidy(() => {
      const pairs: [Variable, Tensor][] = [...found].map(([name, { values }]) => {
        const variable = variables[name] as Variable;
        return [variable, tensor(values, variable.shape, variable.dtype as 'float32')];
      });
      for (const [variable, value] of pairs) {
        variable.assign(value);
      }
    });
  return { loaded: [...found.keys()], missing, unexpected, assign };
}

type DeviceArray = Float32Array | Int32Array | Uint8Array;

/** The values as the variable's dtype holds them, or what is wrong. */
function convert({ dtype, shape, data }: StoredTensor, variable: Variable): DeviceArray | string {
  if (variable.isDisposed) {
    return 'is disposed';
  }
  if (shape.length !== variable.shape.length || shape.some((size, axis) => size !== variable.shape[axis])) {
    return `has shape [${variable.shape.join(', ')}], in the file [${shape.join(', ')}]`;
  }
  const kind = KINDS[dtype];
  if (kind !== variable.dtype) {
    return `is ${variable.dtype}, in the file ${dtype}`;
  }
  if (dtype === 'F32' || dtype === 'I32') {
    return data as DeviceArray;
  }
  const values = Array.from(data as ArrayLike<number | bigint>, Number);
  const result =
    kind === 'float32'
      ? Float32Array.from(values)
      : kind === 'int32'
        ? Int32Array.from(values)
        : Uint8Array.from(values, (v) => +(v !== 0));
  const fits = (value: number, held: number): boolean =>
    // A NaN or an infinity of the file may stay one; a number that only becomes one here may not.
    kind === 'float32' ? Number.isFinite(held) || !Number.isFinite(value) : held === value;
  if (!values.every((value, i) => fits(value, result[i] as number))) {
    return `is ${variable.dtype}, which cannot hold all values of ${dtype} in the file`;
  }
  return result;
}

const INTEGER: DataType = 'int32';
const REAL: DataType = 'float32';

/** The dtype of TensorFlow.js for each kind of number. */
const KINDS: Readonly<Record<SafetensorsDtype, DataType>> = {
  BOOL: 'bool',
  U8: INTEGER,
  I8: INTEGER,
  U16: INTEGER,
  I16: INTEGER,
  U32: INTEGER,
  I32: INTEGER,
  U64: INTEGER,
  I64: INTEGER,
  F16: REAL,
  BF16: REAL,
  F32: REAL,
  F64: REAL,
};
