import type { GradConfig, NamedAttrMap, Tensor } from '@tensorflow/tfjs-core';
import {
  engine,
  exp,
  getGradient,
  mul,
  neg,
  registerGradient,
  relu,
  sigmoid,
  softmax,
  square,
  step,
  sub,
  sum,
  tanh,
  unregisterGradient,
  zeros,
} from '@tensorflow/tfjs-core';

/** The gradient of an op from its input alone, by ops that have gradients. */
interface FromInput {
  /** What the kernel calls its input. */
  readonly input: string;
  gradient(dy: Tensor, x: Tensor, attributes: NamedAttrMap): Tensor;
}

const ofInput = (slope: (x: Tensor, attributes: NamedAttrMap) => Tensor): FromInput => ({
  input: 'x',
  gradient: (dy, x, attributes) => mul(dy, slope(x, attributes)),
});

/** Kernels whose gradients look at the output, or have none of their own. */
const MENDED: Readonly<Record<string, FromInput>> = {
  Exp: ofInput((x) => exp(x)),
  Tanh: ofInput((x) => sub(1, square(tanh(x)))),
  Sigmoid: ofInput((x) => {
    const y = sigmoid(x);
    return mul(y, sub(1, y));
  }),
  Elu: ofInput((x) => exp(neg(relu(neg(x))))),
  LeakyRelu: ofInput((x, { alpha }) => step(x, alpha as number)),
  Softmax: {
    input: 'logits',
    gradient: (dy, x, { dim }) => {
      const y = softmax(x, dim as number);
      return mul(y, sub(dy, sum(mul(dy, y), dim as number, true)));
    },
  },
};

/** Comparisons by which gradients choose, as those of minimum, clipByValue and max do, and their inputs. GreaterEqual has a gradient. */
const COMPARISONS: Readonly<Record<string, readonly string[]>> = {
  Less: ['a', 'b'],
  LessEqual: ['a', 'b'],
  Greater: ['a', 'b'],
  Equal: ['a', 'b'],
  LogicalAnd: ['a', 'b'],
  LogicalNot: ['x'],
};

/**
 * Lets gradients be differentiated. What TensorFlow.js 4.22 saves of an op's output it records before the op itself, so derivatives
 * of derivatives miss what goes through it: those of exp, tanh and sigmoid come out wrong, or as an error. And those of elu and
 * leakyRelu use ops without gradients, and others comparisons, whose gradient is 0. Where a gradient is to be differentiated, these are computed from the inputs; other
 * gradients stay as they are.
 */
export function mendGradients(): void {
  for (const [kernelName, { input, gradient }] of Object.entries(MENDED)) {
    const original = getGradient(kernelName) as (GradConfig & { isMended?: boolean }) | undefined;
    if (original === undefined || original.isMended) {
      continue;
    }
    const isNested = (): boolean => engine().state.gradientDepth > 1;
    unregisterGradient(kernelName);
    registerGradient({
      kernelName,
      isMended: true,
      get inputsToSave() {
        return isNested() ? [input, input] : original.inputsToSave;
      },
      get outputsToSave() {
        return isNested() ? [] : original.outputsToSave;
      },
      // Saved twice, the input tells that it is what was saved.
      gradFunc: (dy: Tensor, saved: Tensor[], attributes: NamedAttrMap) =>
        saved.length === 2
          ? { [input]: () => gradient(dy, saved[0] as Tensor, attributes) }
          : original.gradFunc(dy, saved, attributes),
    } as GradConfig);
  }
  for (const [kernelName, inputs] of Object.entries(COMPARISONS)) {
    if (getGradient(kernelName) === undefined) {
      registerGradient({
        kernelName,
        inputsToSave: [...inputs],
        gradFunc: (_, saved: Tensor[]) =>
          Object.fromEntries(inputs.map((name, i) => [name, () => zeros((saved[i] as Tensor).shape)])),
      });
    }
  }
}
