/** Whether this is Node, or something that passes for it. */
export const inNode = (): boolean => typeof process !== 'undefined' && typeof process.versions?.node === 'string';

/**
 * Imports what only Node needs. The specifier is a variable, so that a bundler for the browser neither looks for the package
 * nor takes it in.
 */
export function importInNode(specifier: string): Promise<Record<string, unknown>> {
  return import(/* @vite-ignore */ /* webpackIgnore: true */ specifier);
}
