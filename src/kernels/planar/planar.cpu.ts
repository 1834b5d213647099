import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { Cpu, CpuKernel, CpuKernels } from '../cpu/cpu.js';
import { numbers } from '../cpu/numbers.js';
import { softplus } from '../lanes.js';
import { byArgument, byOnePlusA, factorOf, tanhSlope } from '../tanhFactor.js';
import { bendOf, byProduct, byU, byW } from './math.js';
import { PLANAR_SHIFTS } from './planar.gradient.js';

/** Of each kind of planar flow: w, u and b of all layers follow x. */
export const planarKernels: CpuKernels = Object.fromEntries(
  Object.entries(PLANAR_SHIFTS).flatMap(([name, shift]) => [
    [name, forward(shift)],
    [`${name}Gradient`, backward(shift)],
  ]),
);

function forward(shift: number): CpuKernel {
  return (cpu, [x, ...tensors]) => {
    const { shape } = x as TensorInfo;
    const layers = layersOf(cpu, tensors, shift);
    const y = Float64Array.from(cpu.values(x as TensorInfo));
    const D = shape.at(-1) as number;
    const logDets = new Float32Array(y.length / D);
    for (let row = 0; row < logDets.length; row++) {
      const z = y.subarray(row * D, (row + 1) * D);
      let logDet = 0;
      for (const layer of layers) {
        const s = argumentOf(layer, z);
        const h = o.tanh(s);
        logDet += o.log(factorOf(o, h, tanhSlope(o, s), layer.onePlusA));
        addMultiple(z, h, layer.uHat);
      }
      logDets[row] = logDet;
    }
    return [cpu.output(shape, Float32Array.from(y)), cpu.output(shape.slice(0, -1), logDets)];
  };
}

function backward(shift: number): CpuKernel {
  return (cpu, [x, dy, dl, ...tensors]) => {
    const { shape } = x as TensorInfo;
    const layers = layersOf(cpu, tensors, shift);
    const [values, byLogDet] = [cpu.values(x as TensorInfo), cpu.values(dl as TensorInfo)];
    const D = shape.at(-1) as number;
    const dx = Float64Array.from(cpu.values(dy as TensorInfo));
    const sums = layers.map(() => ({ uHat: new Float64Array(D), w: new Float64Array(D), onePlusA: 0, b: 0 }));
    for (let row = 0; row < byLogDet.length; row++) {
      // A row before each layer.
      const rows: Float64Array[] = [];
      const z = Float64Array.from(values.subarray(row * D, (row + 1) * D));
      const args = layers.map((layer) => {
        const s = argumentOf(layer, z);
        rows.push(z.slice());
        addMultiple(z, o.tanh(s), layer.uHat);
        return s;
      });
      const g = dx.subarray(row * D, (row + 1) * D);
      for (let l = layers.length - 1; l >= 0; l--) {
        const [{ w, uHat, onePlusA }, total, s] = [layers[l] as Layer, sums[l] as (typeof sums)[number], args[l] as number];
        const [h, slope] = [o.tanh(s), tanhSlope(o, s)];
        const ofOnePlusA = byOnePlusA(o, h, slope, onePlusA, byLogDet[row] as number);
        const byS = byArgument(o, h, slope, onePlusA - 1, dot(g, uHat), ofOnePlusA);
        addMultiple(total.uHat, h, g);
        addMultiple(total.w, byS, rows[l] as Float64Array);
        addMultiple(g, byS, w);
        total.onePlusA += ofOnePlusA;
        total.b += byS;
      }
    }
    const gradients = sums.flatMap((total, l) => {
      const { w, u, square, bend, argument } = layers[l] as Layer;
      const share = dot(total.uHat, w) / square;
      const ofProduct = byProduct(o, total.onePlusA, share, argument);
      const each = (f: (d: number) => number): Float32Array => Float32Array.from(w, (_, d) => f(d));
      return [
        each((d) => byW(o, at(w, d), at(u, d), at(total.w, d), at(total.uHat, d), ofProduct, share, bend)),
        each((d) => byU(o, at(w, d), at(total.uHat, d), ofProduct)),
        Float32Array.of(total.b),
      ];
    });
    return [
      cpu.output(shape, Float32Array.from(dx)),
      ...gradients.map((gradient, i) => cpu.output((tensors[i] as TensorInfo).shape, gradient)),
    ];
  };
}

type Numbers = Float32Array | Float64Array;

interface Layer {
  readonly w: Numbers;
  readonly u: Numbers;
  readonly b: number;
  readonly uHat: Numbers;
  readonly onePlusA: number;
  /** |w|^2. */
  readonly square: number;
  readonly bend: number;
  /** Of the softplus. */
  readonly argument: number;
}

function layersOf(cpu: Cpu, tensors: readonly TensorInfo[], shift: number): Layer[] {
  const values = tensors.map(cpu.values);
  return Array.from({ length: values.length / 3 }, (_, l) => {
    const [w, u, b] = values.slice(3 * l) as [Float32Array, Float32Array, Float32Array];
    const [product, square] = [dot(w, u), dot(w, w)];
    const argument = product + shift;
    const onePlusA = softplus(o, argument);
    const bend = bendOf(o, onePlusA, product, square);
    const uHat = Float64Array.from(u, (value, d) => value + bend * at(w, d));
    return { w, u, b: at(b, 0), uHat, onePlusA, square, bend, argument };
  });
}

const argumentOf = ({ w, b }: Layer, z: Numbers): number => dot(w, z) + b;

const o = numbers.lanes;

const at = (values: Numbers, i: number): number => values[i] as number;

function dot(a: Numbers, b: Numbers): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    sum += at(a, i) * at(b, i);
  }
  return sum;
}

function addMultiple(sums: Float64Array, factor: number, of: Numbers): void {
  for (let i = 0; i < sums.length; i++) {
    sums[i] = at(sums, i) + factor * at(of, i);
  }
}
