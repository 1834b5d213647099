import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core';
import { add, reshape, tidy, zeros } from '@tensorflow/tfjs-core';
import type { CallOptions } from '../core/bijector.js';
import type { Conditioner } from '../core/conditioner.js';
import { checkInteger, invalid } from '../core/errors.js';
import type { Module, ModuleState } from '../core/module.js';
import { defineModule } from '../core/module.js';
import { batchShapeOf, checkContext, checkEvent, sizeOf } from '../core/shapes.js';

/** What conditioners over images have in common. */
export interface ImageConditionerOptions {
  /** Channels of x. */
  readonly inputDim: number;
  /** Channels of the output. */
  readonly outputDim: number;
  /** Default 0: takes no context. */
  readonly contextDim?: number;
  /** [H, W] of the images. Where it is given, other sizes are refused. */
  readonly imageSize?: readonly [height: number, width: number];
}

/** Names of the options that every conditioner over images takes. */
export const IMAGE_CONDITIONER_OPTIONS: readonly (keyof ImageConditionerOptions)[] = [
  'inputDim',
  'outputDim',
  'contextDim',
  'imageSize',
];

/** What `defineImageConditioner` takes. */
export interface ImageConditionerSpec extends Required<Omit<ImageConditionerOptions, 'imageSize'>>, ModuleState {
  readonly name: string;
  readonly imageSize?: readonly [height: number, width: number] | undefined;
  readonly parts: Readonly<Record<string, Module>>;
  /** x [N, H, W, inputDim], and the context of the call, if any, [N, contextDim]. */
  apply(x: Tensor4D, options: CallOptions): Tensor;
}

/**
 * Makes a conditioner over images, [...batch, H, W, inputDim] -> [...batch, H, W, outputDim], of its layers. Checks, memory and
 * the batch axes live here, once: layers see one batch axis, and a context that has it too.
 */
export function defineImageConditioner(spec: ImageConditionerSpec): Conditioner {
  const { name, inputDim, outputDim, contextDim, imageSize = [null, null], apply, ...state } = spec;
  return {
    ...defineModule(state),
    inputDim,
    outputDim,
    contextDim,
    apply: (x, options = {}) => {
      checkEvent(`${name}.apply`, 'x', x, [...imageSize, inputDim]);
      const batch = batchShapeOf(x, 3);
      const { context } = options;
      if (contextDim > 0) {
        checkContext(`${name}.apply`, context, contextDim, batch);
      }
      return tidy(() => {
        const images = x.shape.slice(-3) as [number, number, number];
        const flat = reshape(x, [-1, ...images]) as Tensor4D;
        const call = contextDim > 0 ? { ...options, context: spread(context as Tensor, batch) } : options;
        return reshape(apply(flat, call), [...batch, images[0], images[1], outputDim]);
      });
    },
  };
}

/** A context [...batch, contextDim], its leading axes spread out where they broadcast, as [N, contextDim]. */
function spread(context: Tensor, batch: readonly number[]): Tensor {
  const size = context.shape[context.shape.length - 1] as number;
  const full = sizeOf(context.shape) === sizeOf(batch) * size ? context : add(context, zeros([...batch, size]));
  return reshape(full, [-1, size]);
}

/** Throws unless the sizes that all conditioners over images take are right. */
export function checkImageConditioner(where: string, options: ImageConditionerOptions): void {
  checkInteger(where, 'options.inputDim', options.inputDim, 1);
  checkInteger(where, 'options.outputDim', options.outputDim, 1);
  checkInteger(where, 'options.contextDim', options.contextDim ?? 0, 0);
  const { imageSize } = options;
  if (imageSize !== undefined) {
    if (!Array.isArray(imageSize) || imageSize.length !== 2) {
      throw invalid(where, 'options.imageSize', 'a list [height, width]', imageSize);
    }
    imageSize.forEach((size, i) => {
      checkInteger(where, `options.imageSize[${i}]`, size, 1);
    });
  }
}

/** Throws unless `size` is the odd side of a kernel. */
export function checkKernelSize(where: string, argument: string, size: unknown): asserts size is number {
  checkInteger(where, argument, size, 1);
  if (size % 2 === 0) {
    throw invalid(where, argument, 'odd', size);
  }
}
