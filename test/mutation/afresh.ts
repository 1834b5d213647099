// Takes back what an earlier file of tests has registered in TensorFlow.js, for it is of another mutant: backends, kernels, gradients.
import * as tf from '@tensorflow/tfjs';

declare global {
  /** What was registered before any file. */
  var registered:
    | { readonly backends: readonly string[]; readonly gradients: Map<string, tf.GradConfig | undefined> }
    | undefined;
}

const backends = (): string[] => Object.keys(tf.engine().registryFactory);

globalThis.registered ??= {
  backends: backends(),
  gradients: new Map(tf.getKernelsForBackend('cpu').map(({ kernelName }) => [kernelName, tf.getGradient(kernelName)])),
};
const { gradients } = globalThis.registered;

for (const backend of backends()) {
  const isNew = !globalThis.registered.backends.includes(backend);
  for (const { kernelName } of tf.getKernelsForBackend(backend)) {
    const original = gradients.get(kernelName);
    if (tf.getGradient(kernelName) !== original) {
      tf.unregisterGradient(kernelName);
      if (original !== undefined) {
        tf.registerGradient(original);
      }
    }
    if (isNew || !gradients.has(kernelName)) {
      tf.unregisterKernel(kernelName, backend);
    }
  }
  if (isNew) {
    tf.removeBackend(backend);
  }
}
