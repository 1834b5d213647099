import type * as Files from 'node:fs/promises';
import type * as Paths from 'node:path';

/** Node's modules for files, and an error that says so where there is no Node. */
export async function nodeModules(where: string): Promise<{ files: typeof Files; paths: typeof Paths }> {
  if (typeof process === 'undefined' || process.versions?.node === undefined) {
    throw new Error(`${where}: a path needs Node; in a browser pass bytes.`);
  }
  // The name is put together at run time: bundlers for browsers refuse a module that they can see is Node's.
  const load = (name: string): Promise<unknown> => import(/* @vite-ignore */ /* webpackIgnore: true */ ['node', name].join(':'));
  return { files: (await load('fs/promises')) as typeof Files, paths: (await load('path')) as typeof Paths };
}
