import type { Conditioner } from '../core/conditioner.js';
import { checkInteger, checkOptions } from '../core/errors.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import type { Activation } from './activation.js';
import { checkActivation, saturates } from './activation.js';
import { checkHidden, defineConditioner } from './defineConditioner.js';
import { applyLayers, linear } from './linear.js';

/** What `mlp` takes. */
export interface MlpOptions {
  readonly inputDim: number;
  readonly outputDim: number;
  /** Default 0: takes no context. */
  readonly contextDim?: number;
  /** Sizes of the hidden layers; none makes it affine. */
  readonly hidden: readonly number[];
  /** After every hidden layer. Default 'relu'. */
  readonly activation?: Activation;
  /** Whether the output layer starts at zero, so that a flow starts as the identity. Default false. */
  readonly zeroOutput?: boolean;
  /** Draws the initial values. */
  readonly rng?: Rng;
  /** What it is called in errors. Default 'mlp'. */
  readonly name?: string;
}

/**
 * Multi-layer perceptron: h_0 = act(x W_0 + context C + b_0), h_i = act(h_i-1 W_i + b_i), output h W + b.
 *
 * Parameters `hidden0.kernel` [in, out], `hidden0.bias`, `hidden0.context` [contextDim, out] where there is a context,
 * `hidden1.kernel` ..., `output.kernel`, `output.bias`. Without hidden layers the context enters the output layer. Initial
 * kernels are normal, after He (variance 2 / fan-in), or after Glorot (2 / (fan-in + fan-out)) where the activation is 'tanh' or
 * 'sigmoid' and for the output layer; biases start at 0.
 *
 * Shapes: x [...batch, inputDim], context [...batch, contextDim] (leading axes may broadcast), output [...batch, outputDim].
 *
 * @throws for sizes that are no positive integers, an unknown option or activation, and at a call for a wrong shape.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng, mlp } from 'tfjs-flows';
 *
 * const network = mlp({ inputDim: 2, outputDim: 4, hidden: [16], rng: createRng(0) });
 * console.log(network.apply(tf.zeros([3, 2])).shape); // => [ 3, 4 ]
 * console.log(Object.keys(network.parameters).join(' ')); // => hidden0.kernel hidden0.bias output.kernel output.bias
 * ```
 */
export function mlp(options: MlpOptions): Conditioner {
  checkOptions('mlp', options, ['inputDim', 'outputDim', 'contextDim', 'hidden', 'activation', 'zeroOutput', 'rng', 'name']);
  const { inputDim, outputDim, contextDim = 0, hidden, activation = 'relu' } = options;
  const { zeroOutput = false, rng = createRng(), name = 'mlp' } = options;
  checkInteger(name, 'options.inputDim', inputDim, 1);
  checkInteger(name, 'options.outputDim', outputDim, 1);
  checkInteger(name, 'options.contextDim', contextDim, 0);
  checkHidden(name, hidden, 0);
  checkActivation(name, activation);

  const sizes = [inputDim, ...hidden];
  const contextOf = (layer: number): number => (layer === 0 ? contextDim : 0);
  const layers = hidden.map((outputs, i) =>
    linear({
      inputs: sizes[i] as number,
      outputs,
      contextDim: contextOf(i),
      init: saturates(activation) ? 'glorot' : 'he',
      rng,
    }),
  );
  const output = linear({
    inputs: sizes[hidden.length] as number,
    outputs: outputDim,
    contextDim: contextOf(hidden.length),
    init: zeroOutput ? 'zero' : 'glorot',
    rng,
  });
  return defineConditioner({
    name,
    inputDim,
    outputDim,
    contextDim,
    parts: { ...Object.fromEntries(layers.map((layer, i) => [`hidden${i}`, layer])), output },
    apply: (x, call) => applyLayers(x, [...layers.map((layer) => [layer, activation] as const), [output]], call),
  });
}
