import type { Tensor } from '@tensorflow/tfjs-core';
import type { StoredTensor } from '../io/format.js';
import { readTensors } from '../io/saveSafetensors.js';
import type { Batch } from './data.js';
import { namedTensors } from './data.js';

/** A tensor with a value that is not finite. */
export interface NonFinite {
  readonly name: string;
  readonly value: number;
}

export async function firstNonFinite(tensors: Readonly<Record<string, Tensor>>): Promise<NonFinite | undefined> {
  return nonFiniteIn(await readTensors('fit', tensors));
}

export function nonFiniteIn(stored: ReadonlyMap<string, StoredTensor>): NonFinite | undefined {
  for (const [name, { data }] of stored) {
    const value = (data as Float32Array).find((element) => !Number.isFinite(element));
    if (value !== undefined) {
      return { name, value };
    }
  }
  return undefined;
}

/** Weights themselves are bad: since the update of `step`, or from the start. */
export function badUpdate({ name, value }: NonFinite, step: number, isStart: boolean): Error {
  return new Error(
    isStart
      ? `fit: parameter '${name}' has ${value} before training starts.`
      : `fit: the update of step ${step} made parameter '${name}' ${value}; the learning rate may be too high. ` +
          'The model keeps its weights from before that step.',
    { cause: { step, parameter: name } },
  );
}

/** The loss or a gradient is bad, and what of it. */
export async function notFinite(
  loss: number,
  gradients: readonly (Tensor | undefined)[],
  batch: Batch,
  names: readonly string[],
  step: number,
  epoch: number,
): Promise<Error> {
  const present = names.flatMap((name, i) => (gradients[i] === undefined ? [] : [[name, gradients[i] as Tensor] as const]));
  const gradient = await firstNonFinite(Object.fromEntries(present));
  const inBatch = await firstNonFinite(
    Object.fromEntries(namedTensors('the batch', batch).filter(([, t]) => t.dtype === 'float32')),
  );
  const lossText = `the loss is ${loss}`;
  const gradientText =
    gradient === undefined
      ? Number.isFinite(loss) && 'the global norm of the gradients is above the range of float32'
      : `the gradient of parameter '${gradient.name}' has ${gradient.value}`;
  const texts = Number.isFinite(loss) ? [gradientText, lossText] : [lossText, gradientText];
  const said = [...texts, inBatch && `${inBatch.name} has ${inBatch.value}`].filter(Boolean).join(', ');
  return new Error(`fit: at step ${step} (epoch ${epoch}) ${said}. The model keeps its weights from before this step.`, {
    cause: { step, epoch, loss, parameter: gradient?.name },
  });
}
