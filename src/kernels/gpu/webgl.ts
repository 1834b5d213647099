import type { DataId, TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../core/shapes.js';
import type { Gpu } from './gpu.js';
import type { Launch } from './launch.js';
import { branchesOf, functionsOf, sizeOfAll } from './launch.js';

/** What is used of TensorFlow.js's backend. */
interface Backend {
  readonly texData: { get(dataId: DataId): { readonly isPacked?: boolean } };
  unpackTensor(tensor: TensorInfo): TensorInfo;
  runWebGLProgram(program: object, inputs: readonly TensorInfo[], dtype: 'float32'): TensorInfo;
}

/** So many textures every device lets a program read. */
const TEXTURES = 16;
/** Elements that surely fit a texture. */
const WIDEST = 2 ** 22;

/** Several outputs are one texture, of which each is a view. */
export function webglLaunch(given: unknown, kernel: Gpu['kernel'], free: Gpu['free']): Launch {
  const backend = given as Backend;
  const launch = (inputs: readonly TensorInfo[], program: object): TensorInfo => {
    const unpacked = inputs.map((x) => (backend.texData.get(x.dataId).isPacked ? backend.unpackTensor(x) : x));
    // One axis, so that an index is all it takes to read an element.
    const flat = unpacked.map(({ dataId, shape, dtype }): TensorInfo => ({ dataId, shape: [sizeOf(shape)], dtype }));
    const variableNames = inputs.map((_, i) => `A${i}`);
    const made = backend.runWebGLProgram({ variableNames, ...program }, flat, 'float32');
    unpacked.forEach((tensor, i) => {
      if (tensor !== inputs[i]) {
        free(tensor);
      }
    });
    return made;
  };
  return {
    inputs: TEXTURES,
    outputs: (_, all) => (sizeOfAll(all) > WIDEST ? 1 : all.length),
    // Two by two elements are a pixel, in the layout of TensorFlow.js's own products.
    runBlocks: (inputs, rows, columns, text) => {
      const made = launch(inputs, {
        packedOutput: true,
        outputShape: [rows, columns],
        userCode: `
          vec4 compute(int row, int column) {
            ${text}
          }
          void main() {
            ivec2 at = getOutputCoords();
            setOutput(compute(at.x, at.y));
          }`,
      });
      if (!backend.texData.get(made.dataId).isPacked) {
        return made;
      }
      const result = backend.unpackTensor(made);
      free(made);
      return result;
    },
    // Pixels behind the last element are nobody's.
    runAnySize: (inputs, shape, text) => {
      const columns = shape.at(-1) || 1;
      const made = launch(inputs, {
        enableShapeUniforms: true,
        outputShape: [sizeOf(shape) / columns, columns],
        userCode: `
          float compute(int index) {
            ${text}
          }
          void main() {
            ivec2 at = getOutputCoords();
            setOutput(compute(at.x * outShape[1] + at.y));
          }`,
      });
      return { dataId: made.dataId, shape: [...shape], dtype: 'float32' };
    },
    run: (inputs, outputs) => {
      const size = sizeOfAll(outputs);
      // A texture of some rows, where it can be: of a single one half of the threads have nothing to do.
      const columns = outputs.length === 1 ? (outputs[0]?.shape.at(-1) ?? 1) : 1;
      const made = launch(inputs, {
        outputShape: columns === 1 ? [size] : [size / columns, columns],
        userCode: `
          ${functionsOf(outputs, (name) => `float ${name}(int index)`)}
          void main() {
            ${columns === 1 ? 'int index = getOutputCoords();' : `ivec2 at = getOutputCoords(); int index = at.x * ${columns} + at.y;`}
            ${branchesOf(outputs, (i, index) => `setOutput(compute${i}(${index}));`)}
          }`,
      });
      if (outputs.length === 1) {
        return outputs.map(({ shape }) => ({ dataId: made.dataId, shape: [...shape], dtype: 'float32' }));
      }
      let next = 0;
      const views = outputs.map(({ shape, size }): TensorInfo => {
        const { dataId } = kernel('Slice', { x: made }, { begin: [next], size: [size] });
        next += size;
        return { dataId, shape: [...shape], dtype: 'float32' };
      });
      free(made);
      return views;
    },
  };
}
