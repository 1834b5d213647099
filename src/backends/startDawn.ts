import { importInNode, inNode } from '../core/node.js';

/** What the npm package `webgpu` exports. */
interface Dawn {
  readonly create: (options: string[]) => object;
  readonly globals: Readonly<Record<string, unknown>>;
}

/** Gives Node `navigator.gpu` and WebGPU's constants by the npm package `webgpu`, unless they are there. */
export async function startDawn(): Promise<void> {
  if (!inNode() || (globalThis.navigator as { gpu?: object } | undefined)?.gpu !== undefined) {
    return;
  }
  const dawn = (await importInNode('webgpu').catch((error: Error) => {
    throw new Error(`in Node, WebGPU needs the npm package webgpu, which does not load: ${error.message.split('\n')[0]}`);
  })) as unknown as Dawn;
  for (const [name, value] of Object.entries(dawn.globals)) {
    if (!(name in globalThis)) {
      Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
    }
  }
  if (globalThis.navigator === undefined) {
    Object.defineProperty(globalThis, 'navigator', { value: {}, configurable: true, writable: true });
  }
  // Dawn's devices die with the object, so it has to live as long as the process.
  Object.defineProperty(globalThis.navigator, 'gpu', { value: dawn.create([]), configurable: true });
}
