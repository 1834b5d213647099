import type { Bijector, IafOptions } from 'tfjs-flows';
import { iaf } from 'tfjs-flows';
import type { Values } from '../data.js';
import { autoencoderMasks, hashNormal, hiddenDegrees, perceptronWeights } from '../data.js';
import { affineColumns, assign, named, reorder, reorderOutputs, reorderRows } from './workload.js';

/** What an autoregressive step of a workload takes. */
export interface StepOptions extends Pick<IafOptions, 'scale' | 'offset' | 'contextDim'> {
  readonly dim: number;
  /** Units of each of the two hidden layers. */
  readonly hidden: number;
  /** Which perceptron of the model it is. */
  readonly k: number;
}

/**
 * An autoregressive step whose masked autoencoder has the workload's weights and masks.
 *
 * The units of a hidden layer stand in the order of their degrees, as the library has them: their order changes nothing. The
 * number of units of each degree is the workload's.
 */
export function autoregressiveStep({ dim, hidden, k, ...options }: StepOptions): Bijector {
  const step = iaf({ ...options, dim, hidden: [hidden, hidden] });
  const degrees = hiddenDegrees(dim, hidden);
  const order = degrees.map((_, unit) => unit).sort((a, b) => (degrees[a] as number) - (degrees[b] as number) || a - b);
  const outputs = affineColumns(dim);

  const layers = reorderOutputs(perceptronWeights([dim, hidden, hidden, 2 * dim], k), outputs).map(({ kernel, bias }, i) => ({
    kernel: arrange(kernel, i, order),
    bias: i === 2 ? bias : reorder(bias, order),
  }));
  assign(step.parameters, named('conditioner.', layers));
  const { contextDim } = options;
  if (contextDim !== undefined) {
    const weights = hashNormal([contextDim, hidden], 100 + 10 * k + 9, 0.5 / Math.sqrt(contextDim));
    assign(step.parameters, { 'conditioner.hidden0.context': reorder(weights, order) });
  }
  autoencoderMasks(dim, [hidden, hidden]).forEach((mask, i) => {
    const name = `conditioner.${['hidden0', 'hidden1', 'output'][i]}.mask`;
    assign(step.buffers, { [name]: arrange(i === 2 ? reorder(mask, outputs) : mask, i, order) });
  });
  return step;
}

/** A matrix between layers, with the hidden units in that order. */
function arrange(matrix: Values, layer: number, order: readonly number[]): Values {
  const rows = layer === 0 ? matrix : reorderRows(matrix, order);
  return layer === 2 ? rows : reorder(rows, order);
}
