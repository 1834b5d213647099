import type { Tensor } from '@tensorflow/tfjs-core';
import { tidy } from '@tensorflow/tfjs-core';
import type { CallOptions } from '../core/bijector.js';
import type { Conditioner } from '../core/conditioner.js';
import { checkInteger, invalid } from '../core/errors.js';
import type { Module } from '../core/module.js';
import { defineModule } from '../core/module.js';
import { checkContext, checkEvent } from '../core/shapes.js';

/** What `defineConditioner` takes. */
export interface ConditionerSpec {
  readonly name: string;
  readonly inputDim: number;
  readonly outputDim: number;
  readonly contextDim: number;
  readonly parts: Readonly<Record<string, Module>>;
  apply(x: Tensor, options: CallOptions): Tensor;
}

/** Makes a conditioner of its layers: input checks and memory live here, once. */
export function defineConditioner({ name, inputDim, outputDim, contextDim, parts, apply }: ConditionerSpec): Conditioner {
  return {
    ...defineModule({ parts }),
    inputDim,
    outputDim,
    contextDim,
    apply: (x, options = {}) => {
      checkEvent(`${name}.apply`, 'x', x, [inputDim]);
      if (contextDim > 0) {
        checkContext(`${name}.apply`, options.context, contextDim, x.shape.slice(0, -1));
      }
      return tidy(() => apply(x, options));
    },
  };
}

/** Throws unless `hidden` is a list of at least `least` sizes. */
export function checkHidden(where: string, hidden: unknown, least: number): asserts hidden is readonly number[] {
  if (!Array.isArray(hidden) || hidden.length < least) {
    throw invalid(where, 'options.hidden', `a list of ${least === 0 ? '' : `at least ${least} `}sizes`, hidden);
  }
  hidden.forEach((size, i) => {
    checkInteger(where, `options.hidden[${i}]`, size, 1);
  });
}
