import type { Tensor } from '@tensorflow/tfjs-core';
import { checkNumber, invalid, isTensorLike } from '../core/errors.js';
import { randomPermutation } from '../core/randomPermutation.js';
import type { Rng } from '../core/rng.js';

/** Numbers in rows: a tensor [N, columns], or N rows as arrays of any kind. */
export type Table = Tensor | readonly ArrayLike<number>[];

/** Codes and the factors that they belong to, row by row: what every metric takes, and what `represent` makes. */
export interface Representation {
  /** z, or the mean of q(z | x), of each observation: [N, D]. */
  readonly codes: Table;
  /** The true factors of each observation, as integers (the level, or any number that names it): [N, K]. */
  readonly factors: Table;
}

/** A representation on the host, column by column, in float64. */
export interface Columns {
  readonly rows: number;
  readonly codes: readonly Float64Array[];
  readonly factors: readonly Float64Array[];
}

/** Which factors may be any real numbers; the others have to be integers. */
export type IsContinuous = (factor: number) => boolean;

const NONE: IsContinuous = () => false;

/**
 * Reads a representation and checks it: as many codes as factors, finite, integer factors none of which is constant.
 *
 * @param argument where it comes from, for example `options`
 */
export async function readRepresentation(
  where: string,
  argument: string,
  { codes, factors }: Partial<Representation>,
  isContinuous: IsContinuous = NONE,
): Promise<Columns> {
  const read = {
    codes: await readTable(where, `${argument}.codes`, codes),
    factors: await readTable(where, `${argument}.factors`, factors),
  };
  const [rows, others] = [read.codes, read.factors].map((columns) => (columns[0] as Float64Array).length) as [number, number];
  if (rows !== others) {
    throw invalid(where, `the number of rows of ${argument}.factors`, `${rows}, as ${argument}.codes has`, others);
  }
  read.factors.forEach((column, k) => {
    const fraction = isContinuous(k) ? -1 : column.findIndex((value) => !Number.isInteger(value));
    if (fraction >= 0) {
      throw invalid(where, `${argument}.factors[${fraction}][${k}]`, 'an integer', column[fraction]);
    }
    checkVaries(where, `column ${k} of ${argument}.factors`, column);
  });
  return { rows, ...read };
}

function checkVaries(where: string, what: string, column: Float64Array): void {
  const [first] = column;
  if (column.every((value) => value === first)) {
    throw new Error(`${where}: ${what} should vary, but is ${first} everywhere.`);
  }
}

/** A table column by column. @throws where it is none, or has no row or column, or a number that is not finite. */
export async function readTable(where: string, argument: string, table: unknown): Promise<Float64Array[]> {
  const expected = 'a tensor of shape [N, columns], or rows of equally many numbers';
  let rows: number;
  let columns: number;
  let at: (row: number, column: number) => unknown;
  if (isTensorLike(table)) {
    if (table.isDisposed || table.shape.length !== 2 || (table.dtype !== 'float32' && table.dtype !== 'int32')) {
      throw invalid(where, argument, expected, table);
    }
    [rows, columns] = table.shape as [number, number];
    const values = await (table as unknown as Tensor).data();
    at = (row, column) => values[row * columns + column];
  } else {
    if (!Array.isArray(table) || table.some((row) => Object(row) !== row || row.length !== table[0].length)) {
      throw invalid(where, argument, expected, table);
    }
    rows = table.length;
    columns = (table[0] ?? []).length;
    at = (row, column) => table[row][column];
  }
  if (!(rows > 0 && columns > 0)) {
    throw invalid(where, argument, expected, table);
  }
  return Array.from({ length: columns }, (_, column) =>
    Float64Array.from({ length: rows }, (__, row) => {
      const value = at(row, column);
      checkNumber(where, `${argument}[${row}][${column}]`, value);
      return value;
    }),
  );
}

/** What metrics take that judge a prediction on rows which it was not fitted to. */
export interface HeldOut {
  /**
   * What the fit is judged on: another representation, or the fraction of rows, drawn by `rng`, that the fit does not see.
   * Default 0.25.
   */
  readonly test?: number | Representation;
  /** Default: a fresh seed. */
  readonly rng?: Rng;
}

/** The rows to fit to and those to judge by. */
export async function readTrainAndTest(
  where: string,
  options: Representation & Pick<HeldOut, 'test'>,
  rng: Rng,
  isContinuous: IsContinuous = NONE,
): Promise<readonly [train: Columns, test: Columns]> {
  const { test = 0.25 } = options;
  const all = await readRepresentation(where, 'options', options, isContinuous);
  if (typeof test !== 'object' || test === null) {
    checkNumber(where, 'options.test', test, { above: 0, below: 1 });
    const order = randomPermutation(rng, all.rows);
    const held = Math.round(test * all.rows);
    const [train, judged] = [order.subarray(held), order.subarray(0, held)].map((rows) => rowsOf(all, rows)) as [
      Columns,
      Columns,
    ];
    for (const [name, { factors }] of Object.entries({ fitted: train, 'held out': judged })) {
      factors.forEach((column, k) => {
        checkVaries(where, `column ${k} of the rows of options.factors that are ${name}`, column);
      });
    }
    return [train, judged];
  }
  const judged = await readRepresentation(where, 'options.test', test, isContinuous);
  for (const name of ['codes', 'factors'] as const) {
    if (judged[name].length !== all[name].length) {
      throw invalid(where, `the number of columns of options.test.${name}`, `${all[name].length}`, judged[name].length);
    }
  }
  return [all, judged];
}

function rowsOf({ codes, factors }: Columns, rows: Int32Array): Columns {
  const select = (column: Float64Array): Float64Array => Float64Array.from(rows, (row) => column[row] as number);
  return { rows: rows.length, codes: codes.map(select), factors: factors.map(select) };
}

/** The distinct values of a column in ascending order, and for each row which one it has. */
export function classesOf(column: Float64Array): { readonly values: readonly number[]; readonly labels: Int32Array } {
  const values = [...new Set(column)].sort((a, b) => a - b);
  const places = new Map(values.map((value, place) => [value, place]));
  return { values, labels: Int32Array.from(column, (value) => places.get(value) as number) };
}

/** For each row which of the values it has; -1 for none of them. */
export function labelsAmong(values: readonly number[], column: Float64Array): Int32Array {
  return Int32Array.from(column, (value) => values.indexOf(value));
}

/** Throws unless there are at least two columns. */
export function checkSeveral(where: string, argument: string, columns: readonly unknown[]): void {
  if (columns.length < 2) {
    throw invalid(where, `the number of columns of ${argument}`, 'at least 2', columns.length);
  }
}
