import { importInNode, inNode } from '../core/node.js';

/** Registers the gradients of TensorFlow.js, by the smallest way there is. Does nothing where there is none. */
export async function loadGradients(): Promise<void> {
  if (!inNode()) {
    await import('@tensorflow/tfjs-core/dist/register_all_gradients.js');
    return;
  }
  // Node cannot load that file: its syntax is that of a module, its package says CommonJS. Both of these carry a copy that it
  // can load, and the registry is one for all copies of tfjs-core.
  for (const specifier of ['@tensorflow/tfjs-layers', '@tensorflow/tfjs']) {
    try {
      await importInNode(specifier);
      return;
    } catch {
      // not installed: try the next
    }
  }
}
