import type { TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../core/shapes.js';
import { isRecorded } from '../fusedGradient.js';
import type { GpuKernels } from '../gpu/gpu.js';
import type { Shader } from '../gpu/shader.js';
import { byArgument, byOnePlusA, factorOf, tanhSlope } from '../tanhFactor.js';
import { boundOf } from './math.js';
import { SYLVESTER_GRADIENT } from './sylvester.gradient.js';
import { SYLVESTER } from './sylvester.js';

/** The arguments of tanh first: all else is sums over these, or over rows. */
export const sylvesterKernels: GpuKernels = {
  [SYLVESTER]: (gpu, inputs, attributes) => {
    const [u, triangles, diagonal, diagonalTilde] = inputs as [TensorInfo, TensorInfo, TensorInfo, TensorInfo];
    const { shape } = u;
    const { key, M, period } = sizesOf(inputs);
    const s = gpu.run(`${key} arguments`, [u, triangles, ...inputs.slice(3)], shape, ({ lanes: o, integer, read, sum }) => {
      const [row, i] = [integer(`index / ${M}`), integer(`index % ${M}`)];
      const set = integer(`${row} % ${period}`);
      const own = integer(`${set} * ${M} + ${i}`);
      const rest = sum(`${M - 1} - ${i}`, (next) => {
        const j = integer(`${i} + 1 + ${next}`);
        return o.mul(read(1, `(${set} * ${M} + ${j}) * ${M} + ${i}`), read(0, `${row} * ${M} + ${j}`));
      });
      return o.add(o.fma(o.tanh(read(2, own)), read(0, 'index'), read(3, own)), rest);
    });
    const made = gpu.runAll(
      `${key} forward`,
      [s, triangles, diagonal, diagonalTilde],
      [shape, shape.slice(0, -1)],
      (shader, output) => {
        const { lanes: o, integer, read, sum } = shader;
        if (output === 1) {
          const set = integer(`index % ${period}`);
          return sum(M, (i) => {
            const argument = read(0, `index * ${M} + ${i}`);
            const own = integer(`${set} * ${M} + ${i}`);
            return o.log(factorOf(o, o.tanh(argument), tanhSlope(o, argument), boundOf(o, read(2, own), read(3, own))));
          });
        }
        const [row, i] = [integer(`index / ${M}`), integer(`index % ${M}`)];
        const own = integer(`(${row} % ${period}) * ${M} + ${i}`);
        const rest = sum(`${M - 1} - ${i}`, (next) => {
          const j = integer(`${i} + 1 + ${next}`);
          return o.mul(read(1, `${own} * ${M} + ${j}`), o.tanh(read(0, `${row} * ${M} + ${j}`)));
        });
        return o.fma(o.tanh(read(2, own)), o.tanh(read(0, 'index')), rest);
      },
    );
    if (isRecorded(attributes)) {
      return [...made, s];
    }
    gpu.free(s);
    return made;
  },
  [SYLVESTER_GRADIENT]: (gpu, inputs) => {
    const [u, triangles, diagonal, diagonalTilde, b, s, dt, dl] = inputs as Eight;
    const { key, n, M, period, repeats } = sizesOf(inputs);
    // Of each element of each row: gradients in s, and of this row in the diagonals; and h.
    const parts = gpu.run(
      `${key} arguments back`,
      [u, triangles, diagonal, diagonalTilde, s, dt, dl],
      [PLANES, n, M],
      (shader) => {
        const { lanes: o, choose, integer, read } = shader;
        const plane = integer(`index / ${n * M}`);
        const place = integer(`index % ${n * M}`);
        const argument = read(4, place);
        const h = o.tanh(argument);
        return choose(
          `${plane} == ${OF_H}`,
          () => h,
          () => rowGradient(shader, plane, place, argument, h, M, period),
        );
      },
    );
    const own = [u, triangles, diagonal, diagonalTilde, b].map(({ shape }) => shape);
    const given = [parts, u, dt, triangles, diagonalTilde];
    const gradients = gpu.runAll(`${key} sums`, given, own, ({ lanes: o, choose, integer, read, sum }, output) => {
      const part = (plane: number, at: string): string => read(0, `${plane * n * M} + ${at}`);
      const overRows = (set: string, term: (row: string) => string): string =>
        sum(repeats, (i) => term(integer(`${set} + ${period} * ${i}`)));
      if (output === 0) {
        const [row, i] = [integer(`index / ${M}`), integer(`index % ${M}`)];
        const at = integer(`(${row} % ${period}) * ${M} + ${i}`);
        const rest = sum(i, (j) => o.mul(read(3, `${at} * ${M} + ${j}`), part(BY_S, `${row} * ${M} + ${j}`)));
        return o.fma(o.tanh(read(4, at)), part(BY_S, 'index'), rest);
      }
      if (output === 1) {
        const [i, j] = [integer(`(index / ${M}) % ${M}`), integer(`index % ${M}`)];
        const set = integer(`index / ${M * M}`);
        const outer = (of: number, input: number): string =>
          overRows(set, (row) => o.mul(read(input, `${row} * ${M} + ${i}`), part(of, `${row} * ${M} + ${j}`)));
        return choose(
          `${j} < ${i}`,
          () => outer(BY_S, 1),
          () =>
            choose(
              `${j} > ${i}`,
              () => outer(OF_H, 2),
              () => o.constant(0),
            ),
        );
      }
      const plane = [BY_DIAGONAL, BY_DIAGONAL_TILDE, BY_S][output - 2] as number;
      const [set, i] = [integer(`index / ${M}`), integer(`index % ${M}`)];
      return overRows(set, (row) => part(plane, `${row} * ${M} + ${i}`));
    });
    gpu.free(parts);
    return gradients;
  },
};

type Eight = [TensorInfo, TensorInfo, TensorInfo, TensorInfo, TensorInfo, TensorInfo, TensorInfo, TensorInfo];

const [BY_S, BY_DIAGONAL, BY_DIAGONAL_TILDE, OF_H, PLANES] = [0, 1, 2, 3, 4];

/** What is in a plane but h, at an element of a row. Inputs are u, triangles, diagonals, arguments, and gradients in value and log-det. */
function rowGradient(
  shader: Shader,
  plane: string,
  place: string,
  argument: string,
  h: string,
  M: number,
  period: number,
): string {
  const { lanes: o, choose, integer, read, sum } = shader;
  const [row, i] = [integer(`${place} / ${M}`), integer(`${place} % ${M}`)];
  const set = integer(`${row} % ${period}`);
  const own = integer(`${set} * ${M} + ${i}`);
  const [a, aTilde] = [read(2, own), read(3, own)];
  const [r, rTilde] = [o.tanh(a), o.tanh(aTilde)];
  const slope = tanhSlope(o, argument);
  const ofBound = byOnePlusA(o, h, slope, boundOf(o, a, aTilde), read(6, row));
  const dt = read(5, place);
  const byS = (): string => {
    const rest = sum(i, (k) => o.mul(read(1, `(${set} * ${M} + ${k}) * ${M} + ${i}`), read(5, `${row} * ${M} + ${k}`)));
    return byArgument(o, h, slope, o.mul(r, rTilde), o.fma(r, dt, rest), ofBound);
  };
  return choose(
    `${plane} == ${BY_DIAGONAL}`,
    () => o.mul(o.fma(dt, h, o.mul(ofBound, rTilde)), tanhSlope(o, a)),
    () => {
      const by = byS();
      return choose(
        `${plane} == ${BY_DIAGONAL_TILDE}`,
        () => o.mul(o.fma(by, read(0, place), o.mul(ofBound, r)), tanhSlope(o, aTilde)),
        () => by,
      );
    },
  );
}

/** Rows, their size, sets of parameters, and how many rows have each. */
function sizesOf(inputs: readonly TensorInfo[]) {
  const [u, , , , b] = inputs as Eight;
  const M = u.shape.at(-1) as number;
  const n = sizeOf(u.shape) / M;
  const period = sizeOf(b.shape) / M;
  return { key: `sylvester ${n} ${M} ${period}`, n, M, period, repeats: n / period };
}
