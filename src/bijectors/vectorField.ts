import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import { add, div, mul, scalar, sigmoid, softplus, sub, tanh, transpose, zeros } from '@tensorflow/tfjs-core';
import { linear } from '../conditioners/linear.js';
import type { CallOptions } from '../core/bijector.js';
import type { Module } from '../core/module.js';
import { defineModule, parameter } from '../core/module.js';
import type { Rng } from '../core/rng.js';
import { sechSquared } from '../core/sechSquared.js';
import { softplusInverse } from '../core/softplusInverse.js';
import { own } from '../core/stopGradient.js';
import { multiply } from '../kernels/dense/multiply.js';

/** What `vectorField` takes. */
export interface VectorFieldOptions {
  /** D */
  readonly dim: number;
  /** Sizes of the hidden layers. */
  readonly hidden: readonly number[];
  /** Smooth, since its derivative is part of what is differentiated. */
  readonly activation: SmoothActivationName;
  /** Default 0: takes no context. */
  readonly contextDim?: number;
  /** Whether every layer sees a time too. Default false. */
  readonly time?: boolean;
  /** Made of each kernel [in, out] once a call, before it is used. Default: nothing. */
  readonly constrain?: (kernel: Tensor) => Tensor;
  readonly rng: Rng;
}

/** 'lipSwish' is x sigmoid(beta x) / 1.1 with a learned beta > 0; the slopes of all three are at most 1. */
export type SmoothActivationName = 'tanh' | 'softplus' | 'lipSwish';

/** A network from R^D to R^D with derivatives written out, so that these can be differentiated again. */
export interface VectorField extends Module {
  /** The field with the parameters and the context of a call: what does not depend on x or the time is computed here, once. */
  at(options: CallOptions): Field;
}

/** A function f of x [...batch, D], and of a time where the options said so: a number or a scalar tensor. */
export interface Field {
  /** f(x): [...batch, D]. */
  evaluate(x: Tensor, time?: Tensor | number): Tensor;
  /** f(x) and its Jacobian, for `push` and `pull`. */
  linearize(x: Tensor, time?: Tensor | number): Linearization;
}

/** f(x), and J = df/dx as a product of kernels [in, out] with the activations' slopes [...batch, out] between them. */
export interface Linearization extends Jacobian {
  readonly value: Tensor;
}

/** Factors of a Jacobian, from the first layer to the last: tensors alone, so that a custom gradient can save them. */
export interface Jacobian {
  readonly kernels: readonly Tensor[];
  /** One fewer than kernels. */
  readonly slopes: readonly Tensor[];
}

/**
 * A multilayer perceptron h_i = act(h_(i-1) W_i + t tau_i + b_i), f = h W + t tau + b, with + context C in the first layer. Parameters
 * `hidden0.kernel`, `hidden0.bias`, `hidden0.context`, `hidden0.time`, `hidden0.rawBeta` ... `output.kernel` ...; the output layer
 * starts at zero, so that f does. Everything is differentiable in x, tangents, cotangents, context, time and parameters.
 */
export function vectorField(options: VectorFieldOptions): VectorField {
  const { dim, hidden, activation, contextDim = 0, time: timed = false, constrain = (kernel) => kernel, rng } = options;
  const extra: Record<string, Variable> = {};
  const parts: Record<string, Module> = {};
  const sizes = [dim, ...hidden, dim];
  const layers = sizes.slice(1).map((outputs, i) => {
    const inputs = sizes[i] as number;
    const last = i === hidden.length;
    const name = last ? 'output' : `hidden${i}`;
    const init = last ? 'zero' : activation === 'tanh' ? 'glorot' : 'he';
    const part = linear({ inputs, outputs, contextDim: i === 0 ? contextDim : 0, init, rng });
    parts[name] = part;
    if (timed) {
      extra[`${name}.time`] = parameter(() => (last ? zeros([outputs]) : mul(rng.normal([outputs]), 1 / Math.sqrt(inputs))));
    }
    if (!last && activation === 'lipSwish') {
      extra[`${name}.rawBeta`] = parameter(() => scalar(softplusInverse(1)));
    }
    return { ...part.parameters, time: extra[`${name}.time`], rawBeta: extra[`${name}.rawBeta`] } as LayerVariables;
  });

  return {
    ...defineModule({ parameters: extra, parts }),
    at: (call) => {
      const prepared = layers.map(({ kernel, bias, context, time, rawBeta }) => ({
        kernel: constrain(own(kernel, call)),
        offset:
          context === undefined ? own(bias, call) : add(multiply(call.context as Tensor, own(context, call)), own(bias, call)),
        time: time === undefined ? undefined : own(time, call),
        beta: rawBeta === undefined ? undefined : softplus(own(rawBeta, call)),
      }));
      const kernels = prepared.map(({ kernel }) => kernel);
      const { value, slope } = ACTIVATIONS[activation];
      const run = (x: Tensor, at: Tensor | number, slopes?: Tensor[]): Tensor =>
        prepared.reduce((h, { kernel, offset, time, beta }, i) => {
          const shift = time === undefined ? offset : add(offset, mul(time, at));
          const s = add(multiply(h, kernel), shift);
          if (i === hidden.length) {
            return s;
          }
          slopes?.push(slope(s, beta as Tensor));
          return value(s, beta as Tensor);
        }, x);
      return {
        evaluate: (x, time = 0) => run(x, time),
        linearize: (x, time = 0) => {
          const slopes: Tensor[] = [];
          return { value: run(x, time, slopes), kernels, slopes };
        },
      };
    },
  };
}

/** J t for tangents t [...batch, D], or for K of them at once: [K, ...batch, D], batch axes two at most, since backends end at four. */
export function push({ kernels, slopes }: Jacobian, tangents: Tensor): Tensor {
  return kernels.reduce((t, kernel, i) => {
    const next = multiply(t, kernel);
    return i < slopes.length ? mul(next, slopes[i] as Tensor) : next;
  }, tangents);
}

/** J^T w for cotangents w, shaped as the tangents of `push`. */
export function pull({ kernels, slopes }: Jacobian, cotangents: Tensor): Tensor {
  return kernels.reduceRight(
    (w, kernel, i) => multiply(i < slopes.length ? mul(w, slopes[i] as Tensor) : w, transpose(kernel)),
    cotangents,
  );
}

interface LayerVariables {
  readonly kernel: Variable;
  readonly bias: Variable;
  readonly context?: Variable;
  readonly time?: Variable;
  readonly rawBeta?: Variable;
}

interface SmoothActivation {
  value(s: Tensor, beta: Tensor): Tensor;
  slope(s: Tensor, beta: Tensor): Tensor;
}

const ACTIVATIONS: Readonly<Record<SmoothActivationName, SmoothActivation>> = {
  tanh: { value: (s) => tanh(s), slope: (s) => sechSquared(s) },
  softplus: { value: (s) => softplus(s), slope: (s) => sigmoid(s) },
  lipSwish: {
    value: (s, beta) => div(mul(s, sigmoid(mul(s, beta))), 1.1),
    slope: (s, beta) => {
      const t = mul(s, beta);
      const gate = sigmoid(t);
      return div(mul(gate, add(mul(t, sub(1, gate)), 1)), 1.1);
    },
  },
};
