import type { TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../core/shapes.js';
import type { Cpu, CpuKernels } from '../cpu/cpu.js';
import { numbers } from '../cpu/numbers.js';
import { isRecorded } from '../fusedGradient.js';
import { byArgument, byOnePlusA, factorOf, tanhSlope } from '../tanhFactor.js';
import { boundOf } from './math.js';
import { SYLVESTER_GRADIENT } from './sylvester.gradient.js';
import { SYLVESTER } from './sylvester.js';

export const sylvesterKernels: CpuKernels = {
  [SYLVESTER]: (cpu, inputs, attributes) => {
    const { u, b, rows, M, setOf } = prepare(cpu, inputs);
    const [t, s, logDets] = [new Float32Array(u.length), new Float32Array(u.length), new Float32Array(rows)];
    const h = new Float64Array(M);
    for (let row = 0; row < rows; row++) {
      const { first, r, rTilde, bound, triangle } = setOf(row);
      const from = row * M;
      let logDet = 0;
      for (let i = 0; i < M; i++) {
        let argument = (rTilde[i] as number) * at(u, from + i) + at(b, first + i);
        for (let j = i + 1; j < M; j++) {
          argument += triangle(j, i) * at(u, from + j);
        }
        s[from + i] = argument;
        h[i] = o.tanh(argument);
        logDet += o.log(factorOf(o, at(h, i), tanhSlope(o, argument), at(bound, i)));
      }
      for (let i = 0; i < M; i++) {
        let sum = at(r, i) * at(h, i);
        for (let j = i + 1; j < M; j++) {
          sum += triangle(i, j) * at(h, j);
        }
        t[from + i] = sum;
      }
      logDets[row] = logDet;
    }
    const { shape } = inputs[0] as TensorInfo;
    const own = [cpu.output(shape, t), cpu.output(shape.slice(0, -1), logDets)];
    return isRecorded(attributes) ? [...own, cpu.output(shape, s)] : own;
  },
  [SYLVESTER_GRADIENT]: (cpu, inputs) => {
    const { u, rows, M, setOf } = prepare(cpu, inputs);
    const [s, dt, dl] = inputs.slice(5).map(cpu.values) as [Float32Array, Float32Array, Float32Array];
    const own = inputs.slice(0, 5);
    const gradients = own.map(({ shape }) => new Float64Array(sizeOf(shape)));
    const [du, dTriangles, dDiagonal, dDiagonalTilde, db] = gradients as [Doubles, Doubles, Doubles, Doubles, Doubles];
    const [h, byS] = [new Float64Array(M), new Float64Array(M)];
    for (let row = 0; row < rows; row++) {
      const { first, r, rTilde, slope, slopeTilde, bound, triangle } = setOf(row);
      const from = row * M;
      for (let i = 0; i < M; i++) {
        const argument = at(s, from + i);
        h[i] = o.tanh(argument);
        let byH = at(r, i) * at(dt, from + i);
        for (let k = 0; k < i; k++) {
          byH += triangle(k, i) * at(dt, from + k);
        }
        const ofTanh = tanhSlope(o, argument);
        const ofBound = byOnePlusA(o, at(h, i), ofTanh, at(bound, i), at(dl, row));
        byS[i] = byArgument(o, at(h, i), ofTanh, at(r, i) * at(rTilde, i), byH, ofBound);
        add(dDiagonal, first + i, (at(dt, from + i) * at(h, i) + ofBound * at(rTilde, i)) * at(slope, i));
        add(dDiagonalTilde, first + i, (at(byS, i) * at(u, from + i) + ofBound * at(r, i)) * at(slopeTilde, i));
        add(db, first + i, at(byS, i));
      }
      for (let i = 0; i < M; i++) {
        let sum = at(rTilde, i) * at(byS, i);
        for (let j = 0; j < i; j++) {
          sum += triangle(i, j) * at(byS, j);
          add(dTriangles, (first + i) * M + j, at(u, from + i) * at(byS, j));
        }
        for (let j = i + 1; j < M; j++) {
          add(dTriangles, (first + i) * M + j, at(dt, from + i) * at(h, j));
        }
        du[from + i] = sum;
      }
    }
    return own.map(({ shape }, i) => cpu.output(shape, Float32Array.from(gradients[i] as Doubles)));
  },
};

type Doubles = Float64Array;

const o = numbers.lanes;

const at = (values: Float32Array | Float64Array, i: number): number => values[i] as number;

function add(sums: Float64Array, i: number, more: number): void {
  sums[i] = at(sums, i) + more;
}

function prepare(cpu: Cpu, inputs: readonly TensorInfo[]) {
  const [u, triangles, a, aTilde, b] = inputs.map(cpu.values) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const M = (inputs[0] as TensorInfo).shape.at(-1) as number;
  const period = b.length / M;
  // Of all sets of parameters, since later rows may have them again.
  const each = (f: (i: number) => number): Float64Array => Float64Array.from(a, (_, i) => f(i));
  const [r, rTilde] = [each((i) => o.tanh(at(a, i))), each((i) => o.tanh(at(aTilde, i)))];
  const [slope, slopeTilde] = [each((i) => tanhSlope(o, at(a, i))), each((i) => tanhSlope(o, at(aTilde, i)))];
  const bound = each((i) => boundOf(o, at(a, i), at(aTilde, i)));
  return {
    u,
    b,
    rows: u.length / M,
    M,
    setOf: (row: number) => {
      const first = (row % period) * M;
      const part = (all: Float64Array): Float64Array => all.subarray(first, first + M);
      return {
        first,
        r: part(r),
        rTilde: part(rTilde),
        slope: part(slope),
        slopeTilde: part(slopeTilde),
        bound: part(bound),
        triangle: (i: number, j: number): number => at(triangles, (first + i) * M + j),
      };
    },
  };
}
