import type { GradConfig, NamedTensorMap, Tensor, Variable } from '@tensorflow/tfjs-core';
import { clone, engine, getGradient, mul, registerGradient, sum, zeros, zerosLike } from '@tensorflow/tfjs-core';
import { addAll } from '../core/addAll.js';

/** How a fused kernel is differentiated. */
export interface FusedGradient<Attributes> {
  /** The kernel's name. */
  readonly name: string;
  /** How many outputs it has. */
  readonly outputs: number;
  /** Whether `gradients` looks at the outputs. Default: always. */
  needsOutputs?(attributes: Attributes): boolean;
  /** Whether a gradient depends on the values of input i, rather than on its shape alone. Default: always. */
  needsInput?(i: number, attributes: Attributes): boolean;
  /** The same, of TensorFlow.js's ops. */
  composed(inputs: readonly Tensor[], attributes: Attributes): readonly Tensor[];
  /** Gradients by other kernels: one for each input, or what makes it, where it may not be wanted. */
  gradients(
    dys: readonly Tensor[],
    inputs: readonly Tensor[],
    outputs: readonly Tensor[],
    attributes: Attributes,
  ): readonly (Tensor | (() => Tensor))[];
}

/**
 * Registers the gradient of a fused kernel, once for all backends.
 *
 * Kernels of gradients have no gradients of their own: where a derivative is itself differentiated, it is composed of TensorFlow.js's
 * ops, which have all of them.
 */
export function registerFusedGradient<Attributes>(config: FusedGradient<Attributes>): void {
  const { name, outputs: count, needsOutputs = () => true, needsInput = () => true, composed, gradients } = config;
  if (getGradient(name) !== undefined) {
    return;
  }
  registerGradient({
    kernelName: name,
    gradFunc: (dy, saved, attributes) => {
      const dys = ([] as Tensor[]).concat(dy);
      const settings = attributes as unknown as Attributes & Remembered;
      const isNested = engine().state.gradientDepth > 0;
      let next = 0;
      const inputs = settings.inputs.map((input, i) => {
        if (isVariable(input)) {
          return input;
        }
        if (needsInput(i, settings)) {
          return saved[next++] as Tensor;
        }
        return isNested ? zeros(input.shape) : input;
      });
      const all = isNested
        ? composedGradients((each) => composed(each, settings), inputs, dys)
        : gradients(dys, inputs, saved.slice(next), settings);
      return Object.fromEntries(all.map((gradient, i) => [i, typeof gradient === 'function' ? gradient : () => gradient]));
    },
    // How many outputs there are, and whether they are wanted, for `remember`.
    outputsToSave: Array(count).fill(true),
    needsOutputs,
    needsInput,
  } as GradConfig);
}

/** What the gradient function finds in the attributes of a call. */
interface Remembered {
  readonly inputs: readonly Tensor[];
}

/**
 * To be called by every kernel that may have a gradient: tells TensorFlow.js what of this call to keep for it. It copies what it
 * keeps, at the cost of an op each, so variables, which are there anyway, are not among that, nor outputs that are not needed.
 */
export function remember(name: string, inputs: readonly Tensor[], attributes: object): void {
  const config = getGradient(name) as
    | (GradConfig & Required<Pick<FusedGradient<object>, 'needsOutputs' | 'needsInput'>>)
    | undefined;
  if (config !== undefined) {
    Object.assign(attributes, { inputs } satisfies Remembered);
    const isKept = (i: number): boolean => !isVariable(inputs[i] as Tensor) && config.needsInput(i, attributes);
    config.inputsToSave = Object.keys(inputs).filter((i) => isKept(Number(i)));
    config.outputsToSave?.fill(config.needsOutputs(attributes));
  }
}

const isVariable = (tensor: Tensor): boolean => typeof (tensor as Partial<Variable>).assign === 'function';

/**
 * Gradients of sum_i <f_i, dy_i> in all inputs.
 *
 * In copies of them: one input may depend on another by what was recorded before, a variable above all, and that path is not f's.
 */
function composedGradients(
  f: (inputs: readonly Tensor[]) => readonly Tensor[],
  inputs: readonly Tensor[],
  dys: readonly Tensor[],
): Tensor[] {
  const leaves = inputs.map((input) => clone(input));
  const { grads } = engine().gradients(
    () => addAll(f(leaves).map((y, i) => sum(mul(y, dys[i] as Tensor)))),
    leaves,
    undefined,
    true,
  );
  return (grads as (Tensor | undefined)[]).map((gradient, i) => gradient ?? zerosLike(leaves[i] as Tensor));
}

/** Runs a kernel that is no part of a graph. */
export function runKernel(name: string, inputs: readonly Tensor[], attributes: object = {}): Tensor[] {
  return ([] as Tensor[]).concat(engine().runKernel(name, inputs as unknown as NamedTensorMap, attributes as never));
}
