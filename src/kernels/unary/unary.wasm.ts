import type { TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../core/shapes.js';
import type { WasmOverrides } from '../wasm/register.js';

/** As in unary.as.ts. */
const FUNCTIONS = ['Exp', 'Log', 'Tanh', 'Sigmoid', 'Softplus'] as const;

/** Those of float32 numbers; of others TensorFlow.js's own. */
export const unaryOverrides: WasmOverrides = Object.fromEntries(
  FUNCTIONS.map((name, kind): [string, WasmOverrides[string]] => [
    name,
    (original) => (instance, call) => {
      const { x } = call.inputs as { x: TensorInfo };
      if (x.dtype !== 'float32') {
        return original(call);
      }
      const result = instance.output(x.shape);
      const [from, to] = [instance.address(x), instance.address(result)];
      instance.overRows('unary', {
        rows: sizeOf(x.shape),
        nanoseconds: 2,
        numbers: (first, count) => [from + 4 * first, to + 4 * first, count, kind],
      });
      return result;
    },
  ]),
);
