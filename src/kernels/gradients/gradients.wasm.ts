import type { TensorInfo } from '@tensorflow/tfjs-core';
import { backend_util } from '@tensorflow/tfjs-core';
import { invalid } from '../../core/errors.js';
import { sizeOf } from '../../core/shapes.js';
import { multiplyAt } from '../dense/dense.wasm.js';
import type { Instance } from '../wasm/instance.js';
import type { WasmOverrides } from '../wasm/register.js';

/** Kernels that gradients of TensorFlow.js's ops need and its WASM backend lacks. */
export const gradientKernels: WasmOverrides = {
  Conv2DBackpropFilter: () => (instance, call) => {
    const { x, dy } = call.inputs as unknown as Images;
    const { strides, pad, dataFormat = 'NHWC', dimRoundingMode, filterShape } = call.attrs as unknown as Convolution;
    if (dataFormat !== 'NHWC') {
      throw invalid('Conv2DBackpropFilter', 'dataFormat', "'NHWC', the one there is on WASM", dataFormat);
    }
    const layout = backend_util.convertConv2DDataFormat(dataFormat);
    const info = backend_util.computeConv2DInfo(x.shape as Shape4D, filterShape, strides, 1, pad, dimRoundingMode, false, layout);
    const rows = info.batchSize * info.outHeight * info.outWidth;
    const result = instance.output(filterShape);
    // A product for each weight of the kernel: the pixels under it, and the gradients of where they went.
    const under = instance.output([rows, info.inChannels]);
    eachWeight(info, (place, size) => {
      instance.exports.patches(instance.address(x), instance.address(under), ...size, ...place.at);
      multiplyAt(
        instance,
        { address: instance.address(under), shape: [rows, info.inChannels], isTransposed: true },
        { address: instance.address(dy), shape: [rows, info.outChannels], isTransposed: false },
        instance.address(result) + 4 * place.weight * info.inChannels * info.outChannels,
        {},
      );
    });
    instance.free(under);
    return result;
  },
  DepthwiseConv2dNativeBackpropFilter: () => (instance, call) => {
    const { x, dy } = call.inputs as unknown as Images;
    const { strides, dilations, pad, dimRoundingMode, filterShape } = call.attrs as unknown as Convolution;
    const info = backend_util.computeConv2DInfo(x.shape as Shape4D, filterShape, strides, dilations, pad, dimRoundingMode, true);
    const result = zeros(instance, filterShape);
    depthwise(instance, info, x, dy, result, undefined);
    return result;
  },
  DepthwiseConv2dNativeBackpropInput: () => (instance, call) => {
    const { dy, filter } = call.inputs as { dy: TensorInfo; filter: TensorInfo };
    const { strides, dilations, pad, dimRoundingMode, inputShape } = call.attrs as unknown as Convolution;
    const shape = filter.shape as Shape4D;
    const info = backend_util.computeConv2DInfo(inputShape, shape, strides, dilations, pad, dimRoundingMode, true);
    const result = zeros(instance, inputShape);
    depthwise(instance, info, result, dy, filter, filter);
    return result;
  },
  UnsortedSegmentSum: () => (instance, call) => {
    const { x, segmentIds } = call.inputs as { x: TensorInfo; segmentIds: TensorInfo };
    const { numSegments } = call.attrs as { numSegments: number };
    if (x.dtype !== 'float32' || segmentIds.shape.length !== 1) {
      throw invalid('UnsortedSegmentSum', 'x and segmentIds', 'float32 and of one axis, the ones there are on WASM', x);
    }
    const result = instance.output([numSegments, ...x.shape.slice(1)]);
    const addresses = [x, segmentIds, result].map(instance.address);
    instance.exports.segmentSum(...addresses, x.shape[0] as number, sizeOf(x.shape.slice(1)), numSegments);
    return result;
  },
  Einsum: () => (instance, call) => {
    const operands = call.inputs as unknown as TensorInfo[];
    const { equation } = call.attrs as { equation: string };
    const { allDims, summedDims, idDims } = backend_util.decodeEinsumEquation(equation, operands.length);
    backend_util.checkEinsumDimSizes(allDims.length, idDims, operands as never);
    // Axes that stay come first, in the order of the result.
    const sizes = allDims.map((_, axis) => {
      const owner = idDims.findIndex((axes) => axes.includes(axis));
      return operands[owner]?.shape[(idDims[owner] as number[]).indexOf(axis)] as number;
    });
    const kept = sizes.slice(0, allDims.length - summedDims.length);
    const result = zeros(instance, kept);
    const strides = [...operands.map(({ shape }, i) => ({ shape, axes: idDims[i] as number[] }))].map(
      ({ shape, axes }) =>
        (axis: number): number =>
          axes.includes(axis) ? sizeOf(shape.slice(axes.indexOf(axis) + 1)) : 0,
    );
    const table = sizes.flatMap((size, axis) => [
      ...[size, strides[0]?.(axis) ?? 0, strides[1]?.(axis) ?? 0],
      axis < kept.length ? sizeOf(kept.slice(axis + 1)) : 0,
    ]);
    const scratch = instance.scratch(4 * (table.length + sizes.length));
    instance.integersAt(scratch, [...table, ...sizes.map(() => 0)]);
    const [a, b] = operands.map(instance.address);
    instance.exports.einsum(a as number, b ?? 0, instance.address(result), scratch, sizes.length, scratch + 4 * table.length);
    return result;
  },
};

type Shape4D = [number, number, number, number];

interface Images {
  readonly x: TensorInfo;
  readonly dy: TensorInfo;
}

interface Convolution {
  readonly strides: [number, number] | number;
  readonly dilations: [number, number] | number;
  readonly pad: 'valid' | 'same' | number;
  readonly dataFormat?: 'NHWC' | 'NCHW';
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
  readonly filterShape: Shape4D;
  readonly inputShape: Shape4D;
}

type Info = ReturnType<typeof backend_util.computeConv2DInfo>;

/** The sizes that kernels take, and for each weight which it is and where it lies relative to a pixel of the result. */
function eachWeight(info: Info, run: (place: { weight: number; at: number[] }, sizes: number[]) => void): void {
  const sizes = [info.batchSize, info.inHeight, info.inWidth, info.inChannels, info.outHeight, info.outWidth];
  for (let i = 0; i < info.filterHeight; i++) {
    for (let j = 0; j < info.filterWidth; j++) {
      const [y, x] = [i * info.dilationHeight - info.padInfo.top, j * info.dilationWidth - info.padInfo.left];
      run({ weight: i * info.filterWidth + j, at: [info.strideHeight, info.strideWidth, y, x] }, sizes);
    }
  }
}

/** Adds up the gradients in the weights, or with `filter` those in the images. */
function depthwise(
  instance: Instance,
  info: Info,
  images: TensorInfo,
  dy: TensorInfo,
  weights: TensorInfo,
  filter: TensorInfo | undefined,
): void {
  const perChannel = info.outChannels / info.inChannels;
  eachWeight(info, ({ weight, at }, [batch, height, width, channels, ...out]) => {
    const offset = 4 * weight * info.outChannels;
    const [of, by] = [weights, filter].map((tensor) => (tensor === undefined ? 0 : instance.address(tensor) + offset));
    const sizes = [batch, height, width, channels, perChannel, ...out] as number[];
    instance.exports.depthwise(instance.address(images), instance.address(dy), of as number, by as number, ...sizes, ...at);
  });
}

function zeros(instance: Instance, shape: readonly number[]): TensorInfo {
  const result = instance.output(shape);
  instance.exports.fill(instance.address(result), sizeOf(shape));
  return result;
}
