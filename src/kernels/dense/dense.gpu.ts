import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { Gpu, GpuKernels } from '../gpu/gpu.js';
import type { Shader } from '../gpu/shader.js';
import type { ProductAttributes } from './dense.gradient.js';
import { DENSE_DELTA, PRODUCT } from './dense.gradient.js';
import type { DenseActivation, DenseAttributes } from './dense.js';
import { DENSE } from './dense.js';

/** What TensorFlow.js's product with a bias can do by itself. */
const OWN: Partial<Record<DenseActivation, string>> = { linear: 'linear', relu: 'relu', elu: 'elu', sigmoid: 'sigmoid' };

export const denseKernels: GpuKernels = {
  [DENSE]: (gpu, inputs, attributes) => {
    const [x, kernel, ...rest] = inputs as [TensorInfo, TensorInfo, ...TensorInfo[]];
    const { parts, activation } = attributes as DenseAttributes;
    const part = (name: 'bias' | 'offset' | 'mask'): TensorInfo | undefined => rest[parts.indexOf(name)];
    const [bias, offset, mask] = [part('bias'), part('offset'), part('mask')];
    const weights = mask === undefined ? kernel : masked(gpu, kernel, mask);
    const within = offset === undefined ? OWN[activation] : undefined;
    const product = fusedProduct(gpu, x, weights, bias, within ?? 'linear');
    if (mask !== undefined) {
      gpu.free(weights);
    }
    if (within !== undefined) {
      return [product];
    }
    const added = offset === undefined ? [product] : [product, offset];
    const result = gpu.run(`activation ${activation} ${added.length}`, added, product.shape, (shader) => {
      const s = shader.read(0, 'index');
      return activated(shader, added.length === 1 ? s : shader.lanes.add(s, shader.read(1, 'index')), activation);
    });
    gpu.free(product);
    return [result];
  },
  [DENSE_DELTA]: (gpu, inputs, attributes) => {
    const [dy, y] = inputs as [TensorInfo, TensorInfo];
    const { activation } = attributes as DenseAttributes;
    const [rows, columns] = y.shape as [number, number];
    const made =
      activation === 'linear'
        ? []
        : [
            gpu.run(`slope ${activation}`, [dy, y], y.shape, (shader) =>
              shader.lanes.mul(shader.read(0, 'index'), slopeOf(shader, shader.read(1, 'index'), activation)),
            ),
          ];
    const sums = gpu.run(`columns ${rows} ${columns}`, [made[0] ?? dy], [columns], (shader) =>
      shader.sum(rows, (row) => shader.read(0, `${row} * ${columns} + index`)),
    );
    return [sums, ...made];
  },
  [PRODUCT]: (gpu, inputs, attributes) => {
    const [a, b, mask] = inputs as [TensorInfo, TensorInfo, TensorInfo | undefined];
    const { transposeA = false, transposeB = false, mask: of } = attributes as ProductAttributes;
    const right = mask !== undefined && of === 'b' ? masked(gpu, b, mask) : b;
    const product = gpu.kernel('BatchMatMul', { a, b: right }, { transposeA, transposeB });
    if (right !== b) {
      gpu.free(right);
    }
    if (mask === undefined || of === 'b') {
      return [product];
    }
    const result = masked(gpu, product, mask);
    gpu.free(product);
    return [result];
  },
};

function fusedProduct(gpu: Gpu, a: TensorInfo, b: TensorInfo, bias: TensorInfo | undefined, activation: string): TensorInfo {
  return bias === undefined && activation === 'linear'
    ? gpu.kernel('BatchMatMul', { a, b }, { transposeA: false, transposeB: false })
    : gpu.kernel('_FusedMatMul', { a, b, ...(bias && { bias }) }, { transposeA: false, transposeB: false, activation });
}

const masked = (gpu: Gpu, x: TensorInfo, mask: TensorInfo): TensorInfo =>
  gpu.run('masked', [x, mask], x.shape, (shader) => shader.lanes.mul(shader.read(0, 'index'), shader.read(1, 'index')));

function activated({ lanes: o }: Shader, x: string, activation: DenseActivation): string {
  const [zero, one] = [o.constant(0), o.constant(1)];
  switch (activation) {
    case 'linear':
      return x;
    case 'relu':
      return o.max(x, zero);
    case 'leakyRelu':
      return o.ifAtLeast(x, zero, x, o.mul(x, o.constant(0.2)));
    case 'elu':
      return o.ifAtLeast(x, zero, x, o.sub(o.exp(o.min(x, zero)), one));
    case 'tanh':
      return o.tanh(x);
    case 'sigmoid':
      return o.sigmoid(x);
    case 'softplus':
      return o.add(o.max(x, zero), o.log1p(o.exp(o.neg(o.abs(x)))));
  }
}

/** act'(x) where y = act(x). */
function slopeOf({ lanes: o }: Shader, y: string, activation: DenseActivation): string {
  const [zero, one] = [o.constant(0), o.constant(1)];
  switch (activation) {
    case 'linear':
      return one;
    case 'relu':
      return o.ifAtLeast(zero, y, zero, one);
    case 'leakyRelu':
      return o.ifAtLeast(zero, y, o.constant(0.2), one);
    case 'elu':
      return o.ifAtLeast(zero, y, o.add(y, one), one);
    case 'tanh':
      return o.sub(one, o.mul(y, y));
    case 'sigmoid':
      return o.mul(y, o.sub(one, y));
    case 'softplus':
      return o.sub(one, o.exp(o.neg(y)));
  }
}
