import type { NamedTensorMap, Scalar, Tensor, Variable } from '@tensorflow/tfjs-core';
import { dispose, engine, scalar, tidy, variable, variableGrads, zerosLike } from '@tensorflow/tfjs-core';
import { checkNumber, checkOptions, invalid } from '../core/errors.js';
import type { Update } from '../kernels/adam/adam.js';
import { updateAll } from '../kernels/adam/adam.js';
import type { NamedTensor, Optimizer, Slot } from './optimizer.js';

/** What `adam` takes. */
export interface AdamOptions {
  /** Default 0.001. */
  readonly learningRate?: number;
  /** Decay of the first moment. Default 0.9. */
  readonly beta1?: number;
  /** Decay of the second moment. Default 0.999. */
  readonly beta2?: number;
  /** Default 1e-8; 1e-4 where the backend computes with 16 bits. */
  readonly epsilon?: number;
  /** Decoupled: a step also multiplies every parameter by 1 - learningRate weightDecay. Default 0. */
  readonly weightDecay?: number;
}

/** The optimizer that `adam` makes: `fit` takes it, and it can stand where TensorFlow.js wants one of its own. */
export interface Adam extends Optimizer {
  /** May be set between steps. */
  learningRate: number;
  /** Steps taken. */
  readonly iterations: number;
  /** One step with given gradients, by the names of the variables. */
  applyGradients(gradients: NamedTensorMap | NamedTensor[]): void;
  /** Value and gradients of a scalar function, without a step. */
  computeGradients(f: () => Tensor, varList?: Variable[]): { value: Scalar; grads: NamedTensorMap };
  /** Computes gradients and takes a step. */
  minimize(f: () => Tensor, returnCost?: boolean, varList?: Variable[]): Scalar | null;
  /** The steps taken, then first and second moments by parameter; they stay the optimizer's. */
  getWeights(): Promise<NamedTensor[]>;
  /** Takes what `getWeights` gave, of the same parameters. */
  setWeights(weights: NamedTensor[]): Promise<void>;
}

/**
 * Adam, with decoupled weight decay on request.
 *
 * m <- beta1 m + (1 - beta1) g, v <- beta2 v + (1 - beta2) g^2, theta <- theta - learningRate mHat / (sqrt(vHat) + epsilon) with
 * mHat = m / (1 - beta1^t), vHat = v / (1 - beta2^t), t counting from 1.
 *
 * Unlike that of TensorFlow.js it can be saved and restored exactly: t is an integer, the bias corrections are computed from it
 * in float64 on the host, and moments belong to parameters by name.
 *
 * @throws for a negative rate, betas outside [0, 1), an epsilon that is not positive.
 * Source: Kingma and Ba 2015, "Adam: a method for stochastic optimization", algorithm 1; Loshchilov and Hutter 2019, "Decoupled
 * weight decay regularization".
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { adam } from 'tfjs-flows/training';
 *
 * const x = tf.variable(tf.scalar(3));
 * const optimizer = adam({ learningRate: 0.1 });
 * for (let step = 0; step < 100; step++) {
 *   optimizer.minimize(() => tf.square(tf.sub(x, 1)), false, [x]);
 * }
 * console.log(Math.abs(x.dataSync()[0]! - 1) < 0.05); // => true
 * ```
 */
export function adam(options: AdamOptions = {}): Adam {
  checkOptions('adam', options, ['learningRate', 'beta1', 'beta2', 'epsilon', 'weightDecay']);
  const { learningRate = 0.001, beta1 = 0.9, beta2 = 0.999, epsilon, weightDecay = 0 } = options;
  checkNumber('adam', 'options.learningRate', learningRate, { least: 0 });
  checkNumber('adam', 'options.beta1', beta1, { least: 0, below: 1 });
  checkNumber('adam', 'options.beta2', beta2, { least: 0, below: 1 });
  if (epsilon !== undefined) {
    checkNumber('adam', 'options.epsilon', epsilon, { above: 0 });
  }
  checkNumber('adam', 'options.weightDecay', weightDecay, { least: 0 });

  // State lies where TensorFlow.js's optimizers have it; checkpoints find it there.
  const optimizer = {
    learningRate,
    iterations_: 0,
    firstMoment: [] as Slot[],
    secondMoment: [] as Slot[],

    get iterations(): number {
      return optimizer.iterations_;
    },

    applyGradients(gradients: NamedTensorMap | NamedTensor[]): void {
      const named = Array.isArray(gradients) ? gradients : Object.entries(gradients).map(([name, tensor]) => ({ name, tensor }));
      optimizer.iterations_ += 1;
      const rate = optimizer.learningRate / (1 - beta1 ** optimizer.iterations_);
      const scale = 1 / Math.sqrt(1 - beta2 ** optimizer.iterations_);
      const floor = epsilon ?? (engine().backend.floatPrecision() === 16 ? 1e-4 : 1e-8);
      const updates: Update[] = [];
      for (const [i, { name, tensor: gradient }] of (named as { name: string; tensor: Tensor | null | undefined }[]).entries()) {
        const parameter = engine().registeredVariables[name];
        if (parameter === undefined) {
          throw invalid('adam.applyGradients', 'a name', 'that of a variable', name);
        }
        // Also where there is no gradient yet, so that the order of moments is that of parameters.
        const m = slotOf(optimizer.firstMoment, parameter, 'firstMoment', i);
        const v = slotOf(optimizer.secondMoment, parameter, 'secondMoment', i);
        if (gradient != null) {
          updates.push({ parameter, gradient, m, v });
        }
      }
      updateAll(updates, { beta1, beta2, rate, scale, floor, keep: 1 - optimizer.learningRate * weightDecay });
    },

    computeGradients: (f: () => Tensor, varList?: Variable[]) => variableGrads(f as () => Scalar, varList),

    minimize(f: () => Tensor, returnCost = false, varList?: Variable[]): Scalar | null {
      const { value, grads } = variableGrads(f as () => Scalar, varList);
      optimizer.applyGradients(grads);
      dispose(grads);
      if (returnCost) {
        return value;
      }
      value.dispose();
      return null;
    },

    async getWeights(): Promise<NamedTensor[]> {
      const slots = [...optimizer.firstMoment, ...optimizer.secondMoment];
      return [
        { name: 'iter', tensor: scalar(optimizer.iterations_, 'int32') },
        ...slots.map(({ originalName, variable }) => ({ name: originalName, tensor: variable })),
      ];
    },

    async setWeights([iterations, ...moments]: NamedTensor[]): Promise<void> {
      if (iterations?.name !== 'iter' || moments.length % 2 !== 0) {
        throw invalid('adam.setWeights', 'weights', 'what getWeights gave', moments.length + 1);
      }
      const [count] = await iterations.tensor.data();
      const slots = moments.map(({ name, tensor }): Slot => ({ originalName: name, variable: variable(tensor, false) }));
      optimizer.dispose();
      optimizer.iterations_ = count as number;
      optimizer.firstMoment.push(...slots.slice(0, slots.length / 2));
      optimizer.secondMoment.push(...slots.slice(slots.length / 2));
    },

    dispose(): void {
      for (const slot of [...optimizer.firstMoment.splice(0), ...optimizer.secondMoment.splice(0)]) {
        slot.variable.dispose();
      }
    },
  };
  return optimizer;
}

function slotOf(slots: Slot[], parameter: Variable, suffix: string, i: number): Variable {
  const originalName = `${parameter.name}/${suffix}`;
  // Parameters come in the same order at every step, as a rule.
  let slot =
    slots[i]?.originalName === originalName ? slots[i] : slots.find((candidate) => candidate.originalName === originalName);
  if (slot === undefined) {
    slot = { originalName, variable: tidy(() => variable(zerosLike(parameter), false)) };
    slots.push(slot);
  }
  return slot.variable;
}
