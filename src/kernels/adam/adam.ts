import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import { add, dispose, div, engine, mul, sqrt, square, sub, tidy } from '@tensorflow/tfjs-core';
import { kernelOf } from '../../core/fused.js';

/** A parameter, its gradient, and its moments. */
export interface Update {
  readonly parameter: Variable;
  readonly gradient: Tensor;
  readonly m: Variable;
  readonly v: Variable;
}

/** theta <- keep theta - rate m / (scale sqrt(v) + floor), after the moments have moved. */
export interface AdamSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly rate: number;
  readonly scale: number;
  readonly floor: number;
  readonly keep: number;
}

/**
 * The name of the fused kernel. Inputs are all parameters, all gradients, all m and all v; outputs the new parameters, then the new
 * moments, unless the kernel is no function like others and overwrites them: so their memory must be no other tensor's.
 */
export const ADAM = 'FlowsAdam';

/** A step of Adam for all parameters. */
export function updateAll(updates: readonly Update[], settings: AdamSettings): void {
  if (updates.length === 0) {
    return;
  }
  for (const { m, v } of updates) {
    unshare(m);
    unshare(v);
  }
  const inputs = (['parameter', 'gradient', 'm', 'v'] as const).flatMap((part) => updates.map((update) => update[part]));
  const made = kernelOf(ADAM)?.call(inputs, settings);
  if (made === undefined) {
    updates.forEach((update) => {
      updateOne(update, settings);
    });
    return;
  }
  updates.forEach(({ parameter, m, v }, i) => {
    parameter.assign(made[i] as Tensor);
    if (made.length > updates.length) {
      m.assign(made[updates.length + i] as Tensor);
      v.assign(made[2 * updates.length + i] as Tensor);
    }
  });
  dispose(made);
}

/** The same for one parameter, of TensorFlow.js's ops. */
function updateOne({ parameter, gradient, m, v }: Update, { beta1, beta2, rate, scale, floor, keep }: AdamSettings): void {
  tidy(() => {
    m.assign(add(mul(m, beta1), mul(gradient, 1 - beta1)));
    v.assign(add(mul(v, beta2), mul(square(gradient), 1 - beta2)));
    const step = div(mul(m, rate), add(mul(sqrt(v), scale), floor));
    parameter.assign(sub(keep === 1 ? parameter : mul(parameter, keep), step));
  });
}

/** Gives a variable memory of its own, where a copy of it shares the same. */
function unshare(variable: Variable): void {
  if (engine().backend.refCount(variable.dataId) > 1) {
    tidy(() => {
      variable.assign(add(variable, 0));
    });
  }
}
