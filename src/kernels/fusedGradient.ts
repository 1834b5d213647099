import type { GradConfig, NamedTensorMap, Tensor, Variable } from '@tensorflow/tfjs-core';
import { clone, engine, getGradient, keep, mul, registerGradient, sum, zeros, zerosLike } from '@tensorflow/tfjs-core';
import { addAll } from '../core/addAll.js';
import type { FusedAttributes } from '../core/fused.js';
import { share } from '../core/share.js';

/** How a fused kernel is differentiated. */
export interface FusedGradient<Attributes> {
  /** The kernel's name. */
  readonly name: string;
  /** How many outputs it has. Where it is recorded it may have others beside, for `gradients` alone. */
  readonly outputs: number;
  /** Whether `gradients` looks at the outputs. Default: always. */
  needsOutputs?(attributes: Attributes): boolean;
  /** Whether a gradient, or the gradient of one, depends on the values of input i rather than on its shape alone. Default: always. */
  needsInput?(i: number, attributes: Attributes): boolean;
  /** The same, of TensorFlow.js's ops. Default: what the caller of the kernel gave. */
  composed?(inputs: readonly Tensor[], attributes: Attributes): readonly Tensor[];
  /** Gradients by other kernels, of the outputs for them, then of the others if needed: one for each input, or what makes it, where it may not be wanted. */
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
  const { name, outputs: count, needsOutputs = () => true, needsInput = () => true, composed = asGiven, gradients } = config;
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
    count,
    needsOutputs,
    needsInput,
  } as GradConfig);
}

const asGiven = (inputs: readonly Tensor[], attributes: object): readonly Tensor[] =>
  (attributes as FusedAttributes).composed(...inputs);

/** What the gradient function finds in the attributes of a call. */
interface Remembered {
  readonly inputs: readonly Tensor[];
}

/**
 * Runs a kernel, recorded for gradients where they are asked for.
 *
 * TensorFlow.js keeps what a gradient looks at as a copy made by an op, which is itself recorded: in small models, a third of all
 * ops. Here it keeps another tensor of the same memory, and no variables, which are there anyway. Where a gradient is itself to be
 * differentiated, the copy has to be recorded, for derivatives go through it.
 */
export function runRecorded(name: string, inputs: readonly Tensor[], attributes: object): Tensor[] {
  const { state } = engine();
  const config =
    state.gradientDepth > 0 && state.kernelDepth === 0 ? (getGradient(name) as unknown as Config | undefined) : undefined;
  if (config === undefined) {
    return runKernel(name, inputs, attributes);
  }
  const settings = { ...attributes, inputs } satisfies Remembered;
  runKernel(name, inputs, settings);
  const node = (state.activeTape as TapeNode[])[(state.activeTape as TapeNode[]).length - 1] as TapeNode;
  const keepAnother = (tensor: Tensor): Tensor => keep(state.gradientDepth > 1 ? clone(tensor) : share(tensor));
  inputs.forEach((input, i) => {
    if (!isVariable(input) && config.needsInput(i, settings)) {
      node.saved.push(keepAnother(input));
    }
  });
  const results = node.outputs.splice(0);
  const own = results.splice(0, config.count);
  node.outputs.push(...own);
  node.saved.push(...results.map(keep));
  if (config.needsOutputs(settings)) {
    node.saved.push(...own.map(keepAnother));
  }
  return own;
}

/** Whether a kernel is to put out what only its gradients look at. */
export const isRecorded = (attributes: object): boolean => 'inputs' in attributes;

type Config = Required<Pick<FusedGradient<object>, 'needsOutputs' | 'needsInput'>> & { readonly count: number };
/** What is recorded of an op. TensorFlow.js disposes of what it saved once the gradients are there. */
type TapeNode = Readonly<{ outputs: Tensor[]; saved: Tensor[] }>;

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
