import type { DataId, DataType, TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../core/shapes.js';
import type { Launch, Output } from './launch.js';
import { branchesOf, functionsOf, sizeOfAll } from './launch.js';

/** What is used of TensorFlow.js's backend, and of its device. */
interface Backend {
  readonly tensorMap: { get(dataId: DataId): { readonly dtype: DataType } };
  readonly device: {
    createShaderModule(descriptor: { code: string }): unknown;
    createComputePipeline(descriptor: { layout: 'auto'; compute: { module: unknown; entryPoint: string } }): unknown;
  };
  readonly pipelineCache: Record<string, unknown>;
  makeTensorInfo(shape: number[], dtype: 'float32'): TensorInfo;
  runWebGPUProgram(
    program: object,
    inputs: readonly TensorInfo[],
    dtype: 'float32',
    uniforms: undefined,
    output: TensorInfo,
  ): TensorInfo;
}

/** So many buffers every device lets a program have. */
const BUFFERS = 8;
/** Threads that work together; all of them do the same here. */
const GROUP = 64;

/**
 * Several outputs are as many buffers.
 *
 * TensorFlow.js knows programs of one output. It looks for a program's pipeline by a key first, so ours is there under one before;
 * outputs after the first then come among the inputs.
 */
export function webgpuLaunch(given: unknown): Launch {
  const backend = given as Backend;
  const launch = (inputs: readonly TensorInfo[], outputs: readonly number[], threads: number, text: Text): TensorInfo[] => {
    // What TensorFlow.js casts to float32 may still lie in memory as integers.
    const types = inputs.map(({ dataId }) => (backend.tensorMap.get(dataId).dtype === 'float32' ? 'f32' : 'i32'));
    const code = codeOf(types, outputs.length, text);
    const { device, pipelineCache } = backend;
    pipelineCache[code] ??= device.createComputePipeline({
      layout: 'auto',
      compute: { module: device.createShaderModule({ code }), entryPoint: 'main' },
    });
    const made = outputs.map((size) => backend.makeTensorInfo([size], 'float32'));
    const flat = inputs.map(({ dataId, shape, dtype }): TensorInfo => ({ dataId, shape: [sizeOf(shape)], dtype }));
    const others = [...made.slice(1), ...flat];
    const program = {
      variableNames: others.map((_, i) => `a${i}`),
      outputShape: [outputs[0]],
      workgroupSize: [GROUP, 1, 1],
      dispatchLayout: { x: [0] },
      dispatch: [Math.ceil(threads / GROUP), 1, 1],
      get shaderKey() {
        return code;
      },
      // TensorFlow.js would put the types of inputs to it, which the text says anyway.
      set shaderKey(_) {},
    };
    backend.runWebGPUProgram(program, others, 'float32', undefined, made[0] as TensorInfo);
    return made;
  };
  return {
    inputs: BUFFERS - 1,
    outputs: (inputs) => Math.max(1, BUFFERS - inputs),
    runBlocks: (inputs, rows, columns, text) => {
      const across = Math.ceil(columns / 2);
      const store = [0, 1, 2, 3].map((i) => {
        const [r, c] = [`row + ${i >> 1}`, `column + ${i % 2}`];
        return `if (${r} < ${rows} && ${c} < ${columns}) { out0[(${r}) * ${columns} + ${c}] = made[${i}]; }`;
      });
      const [made] = launch(inputs, [rows * columns], across * Math.ceil(rows / 2), {
        functions: `fn compute(row : i32, column : i32) -> vec4<f32> {\n${text}\n}`,
        main: `
          let row = 2 * (index / ${across});
          let column = 2 * (index % ${across});
          if (row < ${rows}) {
            let made = compute(row, column);
            ${store.join('\n')}
          }`,
      }) as [TensorInfo];
      return { dataId: made.dataId, shape: [rows, columns], dtype: 'float32' };
    },
    runAnySize: (inputs, shape, text) => {
      const size = sizeOf(shape);
      const [made] = launch(inputs, [size], size, {
        functions: `fn compute(index : i32) -> f32 {\n${text}\n}`,
        main: 'if (index < i32(arrayLength(&out0))) { out0[index] = compute(index); }',
      }) as [TensorInfo];
      return { dataId: made.dataId, shape: [...shape], dtype: 'float32' };
    },
    run: (inputs, outputs) => {
      const sizes = outputs.map(({ size }) => size);
      const made = launch(inputs, sizes, sizeOfAll(outputs), {
        functions: functionsOf(outputs, (name) => `fn ${name}(index : i32) -> f32`),
        main: branchesOf(outputs, (i, at) => `out${i}[${at}] = compute${i}(${at});`),
      });
      return made.map(({ dataId }, i) => ({ dataId, shape: [...(outputs[i] as Output).shape], dtype: 'float32' }));
    },
  };
}

/** What a program says of its own: functions, and what a thread does, of number `index`. */
interface Text {
  readonly functions: string;
  readonly main: string;
}

/** Buffers in the order in which TensorFlow.js binds them; of its numbers at the end only the first is needed. */
function codeOf(types: readonly string[], outputs: number, { functions, main }: Text): string {
  const buffers = [
    ...Array.from({ length: outputs }, (_, i) => `var<storage, read_write> out${i} : array<f32>;`),
    ...types.map((type, i) => `var<storage, read> a${i} : array<${type}>;`),
    'var<uniform> uniforms : Uniforms;',
  ];
  return `
    struct Uniforms { NAN : f32 };
    ${buffers.map((buffer, i) => `@group(0) @binding(${i}) ${buffer}`).join('\n')}
    fn isnan(x : f32) -> bool {
      return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
    }
    ${functions}
    @compute @workgroup_size(${GROUP}, 1, 1)
    fn main(
      @builtin(local_invocation_index) local : u32,
      @builtin(workgroup_id) group : vec3<u32>,
      @builtin(num_workgroups) groups : vec3<u32>,
    ) {
      let index = i32(((group.z * groups.y + group.y) * groups.x + group.x) * ${GROUP}u + local);
      // So that none is left out of the pipeline.
      ${types.map((_, i) => `_ = &a${i};`).join(' ')} _ = uniforms.NAN;
      ${main}
    }`;
}
