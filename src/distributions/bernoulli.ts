import type { Tensor } from '@tensorflow/tfjs-core';
import { add, cast, greater, greaterEqual, mul, neg, sigmoid, softplus, sub, zeros } from '@tensorflow/tfjs-core';
import type { CallOptions } from '../core/bijector.js';
import { defineDistribution } from '../core/defineDistribution.js';
import type { Distribution } from '../core/distribution.js';
import { checkOptions } from '../core/errors.js';
import type { Parameter, ParameterShapeOptions } from '../core/parameterShapes.js';
import { parameterAt, parameterShapes } from '../core/parameterShapes.js';
import { sumTrailing } from '../core/shapes.js';
import { untaped } from '../core/stopGradient.js';
import { logDensity } from '../kernels/logDensity/logDensity.js';
import { relatives } from './relatives.js';

/** What `bernoulli` takes. */
export interface BernoulliOptions extends ParameterShapeOptions {
  /** log(p / (1 - p)), [...batch, ...event]. */
  readonly logits: Parameter;
}

/**
 * Independent Bernoulli variables, p = sigmoid(logits).
 *
 * log p(x) = sum over the event of -x softplus(-logits) - (1 - x) softplus(logits), in nats, exact in the tails; an x between 0
 * and 1 counts as that mixture of both (the usual cross-entropy of grey pixels). Mean p; mode 1 where the logit is at
 * least 0; entropy sum(p softplus(-logits) + (1 - p) softplus(logits)).
 *
 * Shapes: logits [...batch, ...event], draws [...shape, ...batch, ...event], log-probabilities [...batch]. Draws are float32
 * zeros and ones and are NOT reparameterised: they are constants, no gradient flows through them into the logits.
 *
 * @throws where the logits are neither a number nor a float32 tensor, for a wrong eventShape or eventRank, an unknown option.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { bernoulli } from 'tfjs-flows';
 *
 * const p = bernoulli({ logits: tf.tensor1d([0, 30]) });
 * const logProb = p.logProb(tf.tensor2d([[1, 1], [0, 0]]));
 * console.log(Array.from(logProb.dataSync(), (value) => value.toFixed(4))); // => [ '-0.6931', '-30.6931' ]
 * ```
 */
export function bernoulli(options: BernoulliOptions): Distribution {
  checkOptions('bernoulli', options, ['logits', 'eventShape', 'eventRank']);
  const { logits } = options;
  const { eventShape, batchShape } = parameterShapes('bernoulli', { logits }, options);
  const rank = eventShape.length;
  // Of the full shape, whatever broadcasts to it.
  const at = (call: CallOptions): Tensor => add(zeros([...batchShape, ...eventShape]), parameterAt('bernoulli', logits, call));
  return defineDistribution({
    name: 'bernoulli',
    eventShape,
    batchShape: () => batchShape,
    sample: (size, { rng }) =>
      untaped(() => cast(greater(sigmoid(parameterAt('bernoulli', logits, {})), rng.uniform(size)), 'float32')),
    logProb: (value, call) => logMass(value, parameterAt('bernoulli', logits, call), rank),
    mean: (call) => sigmoid(at(call)),
    mode: (call) => cast(greaterEqual(at(call), 0), 'float32'),
    entropy: (call) => {
      const here = at(call);
      return neg(logMass(sigmoid(here), here, rank));
    },
    ...relatives(
      'bernoulli',
      (call) => ({ logits: at(call) }),
      (p, q) => sumTrailing(elementwiseKl(p.logits, q.logits), rank),
    ),
  });
}

/** -x softplus(-l) - (1 - x) softplus(l): terms of one sign, where x l - softplus(l) would cancel. */
const MASS = {
  kind: 'bernoulli',
  constant: 0,
  composed: (x: Tensor, logits: Tensor): Tensor => neg(add(mul(x, softplus(neg(logits))), mul(sub(1, x), softplus(logits)))),
} as const;

const logMass = (x: Tensor, logits: Tensor, rank: number): Tensor => logDensity(MASS, [x, logits], rank);

/** p log(p / p') + (1 - p) log((1 - p) / (1 - p')), each probability from its own sigmoid. */
const elementwiseKl = (p: Tensor, q: Tensor): Tensor =>
  add(mul(sigmoid(p), sub(softplus(neg(q)), softplus(neg(p)))), mul(sigmoid(neg(p)), sub(softplus(q), softplus(p))));
