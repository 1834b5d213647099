import type { TensorInfo } from '@tensorflow/tfjs-core';

/** A tensor to be computed: the body of a function of `index` that gives its elements. */
export interface Output {
  readonly shape: readonly number[];
  readonly size: number;
  readonly text: string;
}

/** How a backend runs programs. */
export interface Launch {
  /** How many tensors one may read beside one that it writes. */
  readonly inputs: number;
  /** How many of these outputs a program of so many inputs may have, one at least. */
  outputs(inputs: number, all: readonly Output[]): number;
  run(inputs: readonly TensorInfo[], outputs: readonly Output[]): TensorInfo[];
  /** One output, whose size is no part of the program. */
  runAnySize(inputs: readonly TensorInfo[], shape: readonly number[], text: string): TensorInfo;
  /** One matrix, of the body of a function of `row` and `column` that gives two by two elements. */
  runBlocks(inputs: readonly TensorInfo[], rows: number, columns: number, text: string): TensorInfo;
}

/** Functions of the texts. What they have in common is `head`, up to the parameters' names and types. */
export const functionsOf = (outputs: readonly Output[], head: (name: string) => string): string =>
  outputs.map(({ text }, i) => `${head(`compute${i}`)} {\n${text}\n}`).join('\n');

/** Tells what part of all elements, those of one output after those of the other, `index` is in. */
export function branchesOf(outputs: readonly Output[], statement: (output: number, index: string) => string): string {
  let end = 0;
  return outputs
    .map(({ size }, i) => {
      const start = end;
      end += size;
      return `if (index < ${end}) { ${statement(i, start === 0 ? 'index' : `index - ${start}`)} }`;
    })
    .join(' else ');
}

export const sizeOfAll = (outputs: readonly Output[]): number => outputs.reduce((total, { size }) => total + size, 0);
