import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tensor } from '@tensorflow/tfjs-core';
import { tensor } from '@tensorflow/tfjs-core';

/** An array of a case file, row by row. */
export interface GoldenArray {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

/** Arrays by name, or by path: `state` holds a whole state dict. */
export interface GoldenTree {
  readonly [name: string]: GoldenArray | GoldenTree;
}

/** A case as README.md beside the files describes it. */
export interface GoldenCase {
  readonly name: string;
  readonly source: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly inputs: GoldenTree;
  readonly expected: GoldenTree;
}

/** A case file: what it is called in reports, where it lies, and its cases. */
export interface GoldenFile {
  readonly name: string;
  readonly folder: string;
  readonly cases: readonly GoldenCase[];
}

/** The folder of the case files: that of `GOLDEN_DIR`, or the project's own. */
export function goldenFolder(): string {
  return process.env.GOLDEN_DIR || join(process.cwd(), 'test/golden/cases');
}

/** Every case file of a folder and of its folder `imports`, in alphabetical order. */
export function readGoldenFiles(folder: string): GoldenFile[] {
  const found = [folder, join(folder, 'imports')].flatMap((place, i) =>
    (existsSync(place) ? readdirSync(place) : [])
      .filter((name) => name.endsWith('.json'))
      .sort()
      .map((name) => ({ name: i === 0 ? name : `imports/${name}`, folder: place, path: join(place, name) })),
  );
  if (found.length === 0) {
    throw new Error(`no case files in ${folder}`);
  }
  return found.map(({ name, folder: place, path }) => {
    const cases: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (!Array.isArray(cases) || cases.some((one) => typeof one?.name !== 'string' || typeof one?.expected !== 'object')) {
      throw new Error(`${path} is no list of cases`);
    }
    return { name, folder: place, cases };
  });
}

/** Whether a node of a tree is an array. */
export function isArray(node: GoldenArray | GoldenTree | undefined): node is GoldenArray {
  return Array.isArray(node?.shape) && Array.isArray(node?.data);
}

/** The array of that name. @throws where there is none. */
export function arrayOf(tree: GoldenTree, name: string): GoldenArray {
  const node = tree[name];
  if (!isArray(node)) {
    throw new Error(`the case has no array '${name}'; it has ${Object.keys(tree).join(', ')}`);
  }
  return node;
}

/** The array of that name as a float32 tensor, of another shape where one is given. */
export function tensorOf(tree: GoldenTree, name: string, shape?: readonly number[]): Tensor {
  const array = arrayOf(tree, name);
  return tensor([...array.data], [...(shape ?? array.shape)], 'float32');
}

/** All arrays of a tree by their paths: `per_sample.u`. */
export function arraysOf(tree: GoldenTree, prefix = ''): [path: string, array: GoldenArray][] {
  return Object.entries(tree).flatMap(([name, node]) =>
    isArray(node) ? [[prefix + name, node] as [string, GoldenArray]] : arraysOf(node, `${prefix}${name}.`),
  );
}
