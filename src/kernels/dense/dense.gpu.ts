import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { Gpu, GpuKernels } from '../gpu/gpu.js';
import type { Shader } from '../gpu/shader.js';
import { ACTIVATIONS } from './activation.js';
import type { ProductAttributes } from './dense.gradient.js';
import type { DenseActivation } from './dense.js';
import type { GivenLayer } from './flatLayers.js';
import { denseKernelsOf } from './layers.js';
import { activated, activationSlope } from './math.js';

/** What TensorFlow.js's product with a bias can do by itself. */
const OWN: Partial<Record<DenseActivation, string>> = { linear: 'linear', relu: 'relu', elu: 'elu', sigmoid: 'sigmoid' };

/** Products of fewer multiplications are a program here where that saves launches: those of TensorFlow.js are faster, if large. */
const FEW = 2 ** 25;
/** Of so many or more, two by two elements are computed at a time, from half as many reads. */
const SOME = 2 ** 21;

export const denseKernels: GpuKernels = denseKernelsOf((gpu: Gpu) => ({
  layer: (x, layer) => denseLayer(gpu, x, layer),
  delta: (dy, y, activation) => {
    const [rows, columns] = dy.shape as [number, number];
    const isLinear = activation === 'linear';
    const delta = (shader: Shader, index: string): string => {
      const g = shader.read(0, index);
      return isLinear ? g : shader.lanes.mul(g, activationSlope(shader.lanes, shader.read(1, index), ACTIVATIONS[activation]));
    };
    const shapes = isLinear ? [[columns]] : [[columns], dy.shape];
    return gpu.runAll(`delta ${activation} ${rows} ${columns}`, isLinear ? [dy] : [dy, y], shapes, (shader, output) =>
      output === 0
        ? shader.sum(rows, (row) => delta(shader, shader.integer(`${row} * ${columns} + index`)))
        : delta(shader, 'index'),
    ) as [TensorInfo, TensorInfo?];
  },
  product: (a, b, mask, attributes) => {
    const { transposeA = false, transposeB = false, mask: of } = attributes;
    const sizes = sizesOf(a, b, { transposeA, transposeB });
    if (isFew(sizes) && (gpu.repacks || mask !== undefined)) {
      const inputs = mask === undefined ? [a, b] : [a, b, mask];
      return runProduct(gpu, `product ${mask && of}`, inputs, sizes, (shader, rows, columns) =>
        productsAt(shader, sizes, rows, columns, mask && { input: 2, of: of as 'b' | 'result' }),
      );
    }
    const right = mask !== undefined && of === 'b' ? masked(gpu, b, mask) : b;
    const product = gpu.kernel('BatchMatMul', { a, b: right }, { transposeA, transposeB });
    if (right !== b) {
      gpu.free(right);
    }
    if (mask === undefined || of === 'b') {
      return product;
    }
    const result = masked(gpu, product, mask);
    gpu.free(product);
    return result;
  },
  free: (tensor) => gpu.free(tensor),
}));

function denseLayer(gpu: Gpu, x: TensorInfo, { kernel, bias, offset, mask, activation }: GivenLayer<TensorInfo>): TensorInfo {
  const sizes = sizesOf(x, kernel, {});
  const within = offset === undefined ? OWN[activation] : undefined;
  if (isFew(sizes) && (gpu.repacks || mask !== undefined || within === undefined)) {
    const parts = Object.entries({ bias, offset, mask }).filter(([, tensor]) => tensor !== undefined) as [string, TensorInfo][];
    const at = (part: string): number => 2 + parts.findIndex(([name]) => name === part);
    const key = `dense ${parts.map(([name]) => name)} ${activation}`;
    return runProduct(gpu, key, [x, kernel, ...parts.map(([, tensor]) => tensor)], sizes, (shader, rows, columns) => {
      const { lanes: o, read } = shader;
      const products = productsAt(shader, sizes, rows, columns, mask && { input: at('mask'), of: 'b' });
      return products.map((product, i) => {
        const [row, column] = [rows[Math.floor(i / columns.length)], columns[i % columns.length]];
        const shifted = bias === undefined ? product : o.add(product, read(at('bias'), column as string));
        const s = offset === undefined ? shifted : o.add(shifted, read(at('offset'), `${row} * ${sizes.columns} + ${column}`));
        return shader.orNan(activated(shader.lanes, s, ACTIVATIONS[activation]), s);
      });
    });
  }
  const weights = mask === undefined ? kernel : masked(gpu, kernel, mask);
  const product = fusedProduct(gpu, x, weights, bias, within ?? 'linear');
  if (mask !== undefined) {
    gpu.free(weights);
  }
  if (within !== undefined) {
    return product;
  }
  const added = offset === undefined ? [product] : [product, offset];
  const result = gpu.run(`activation ${activation} ${added.length}`, added, product.shape, (shader) => {
    const s = shader.read(0, 'index');
    return activated(
      shader.lanes,
      added.length === 1 ? s : shader.lanes.add(s, shader.read(1, 'index')),
      ACTIVATIONS[activation],
    );
  });
  gpu.free(product);
  return result;
}

/** Of a product [rows, inner] x [inner, columns], whose operands may lie transposed. */
interface Sizes {
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

function sizesOf(a: TensorInfo, b: TensorInfo, { transposeA = false, transposeB = false }: ProductAttributes): Sizes {
  const [rows, inner] = (transposeA ? [...a.shape].reverse() : a.shape) as [number, number];
  return { rows, inner, columns: b.shape[transposeB ? 0 : 1] as number, transposeA, transposeB };
}

const multiplications = ({ rows, inner, columns }: Sizes): number => rows * inner * columns;
const isFew = (sizes: Sizes): boolean => multiplications(sizes) <= FEW;

/** One program: `write` gives the elements in some rows and columns, one row after the other. */
function runProduct(
  gpu: Gpu,
  name: string,
  inputs: readonly TensorInfo[],
  sizes: Sizes,
  write: (shader: Shader, rows: readonly string[], columns: readonly string[]) => readonly string[],
): TensorInfo {
  const key = `${name} ${Object.values(sizes)}`;
  const shape = [sizes.rows, sizes.columns] as const;
  return multiplications(sizes) >= SOME
    ? gpu.runBlocks(key, inputs, shape, (shader) => {
        const next = (at: string): string[] => [at, shader.integer(`${at} + 1`)];
        return write(shader, next('row'), next('column'));
      })
    : gpu.run(key, inputs, shape, (shader) => {
        const [row, column] = [shader.integer(`index / ${sizes.columns}`), shader.integer(`index % ${sizes.columns}`)];
        return write(shader, [row], [column])[0] as string;
      });
}

/** Elements of the product of inputs 0 and 1, with a mask of the second, as it lies in memory, or of the result. */
function productsAt(
  { lanes: o, integer, read, sums }: Shader,
  sizes: Sizes,
  rows: readonly string[],
  columns: readonly string[],
  mask?: { readonly input: number; readonly of: 'b' | 'result' },
): readonly string[] {
  const { inner, transposeA, transposeB } = sizes;
  const products = sums(inner, (k) => {
    const left = rows.map((row) => read(0, transposeA ? `${k} * ${sizes.rows} + ${row}` : `${row} * ${inner} + ${k}`));
    const right = columns.map((column) => {
      const at = integer(transposeB ? `${column} * ${inner} + ${k}` : `${k} * ${sizes.columns} + ${column}`);
      const b = read(1, at);
      return mask?.of === 'b' ? o.mul(b, read(mask.input, at)) : b;
    });
    return left.flatMap((a) => right.map((b) => o.mul(a, b)));
  });
  const places = rows.flatMap((row) => columns.map((column) => `${row} * ${sizes.columns} + ${column}`));
  return mask?.of === 'result' ? products.map((product, i) => o.mul(product, read(mask.input, places[i] as string))) : products;
}

function fusedProduct(gpu: Gpu, a: TensorInfo, b: TensorInfo, bias: TensorInfo | undefined, activation: string): TensorInfo {
  return bias === undefined && activation === 'linear'
    ? gpu.kernel('BatchMatMul', { a, b }, { transposeA: false, transposeB: false })
    : gpu.kernel('_FusedMatMul', { a, b, ...(bias && { bias }) }, { transposeA: false, transposeB: false, activation });
}

const masked = (gpu: Gpu, x: TensorInfo, mask: TensorInfo): TensorInfo =>
  gpu.run('masked', [x, mask], x.shape, (shader) => shader.lanes.mul(shader.read(0, 'index'), shader.read(1, 'index')));
