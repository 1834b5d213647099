import type { TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../core/shapes.js';
import type { Gpu, GpuKernel, GpuKernels } from '../gpu/gpu.js';
import { joined, separated } from '../gpu/pieces.js';
import type { Shader } from '../gpu/shader.js';
import { softplus } from '../lanes.js';
import { byArgument, byOnePlusA, factorOf, tanhSlope } from '../tanhFactor.js';
import { bendOf, byProduct, byU, byW } from './math.js';
import { PLANAR_SHIFTS } from './planar.gradient.js';

/**
 * Of each kind of planar flow: w, u and b of all layers follow x.
 *
 * A row after l layers is x + sum_j<l uHat_j tanh(s_j), so all that is found one layer after the other are the arguments
 * s_l = w_l x + b_l + sum_j<l (w_l uHat_j) tanh(s_j). The rest are sums over layers, or over rows.
 */
export const planarKernels: GpuKernels = Object.fromEntries(
  Object.entries(PLANAR_SHIFTS).flatMap(([name, shift]) => [
    [name, forward(shift)],
    [`${name}Gradient`, backward(shift)],
  ]),
);

function forward(shift: number): GpuKernel {
  return (gpu, [x, ...layers]) => {
    const stack = prepare(gpu, x as TensorInfo, layers, shift);
    const { key, D, L, prepared, args } = stack;
    const { shape } = x as TensorInfo;
    const results = gpu.runAll(
      `${key} forward`,
      [x as TensorInfo, prepared, args],
      [shape, shape.slice(0, -1)],
      (shader, output) => {
        const { lanes: o, integer, read, sum } = shader;
        if (output === 1) {
          return sum(L, (l) => {
            const { h, slope, onePlusA } = bentAt(shader, stack, l, read(2, `index * ${L} + ${l}`), 1);
            return o.log(factorOf(o, h, slope, onePlusA));
          });
        }
        const [row, d] = [integer(`index / ${D}`), integer(`index % ${D}`)];
        return o.add(
          read(0, 'index'),
          sum(L, (l) => o.mul(o.tanh(read(2, `${row} * ${L} + ${l}`)), read(1, `${l} * ${D + EXTRA} + ${d}`))),
        );
      },
    );
    free(gpu, stack);
    return results;
  };
}

function backward(shift: number): GpuKernel {
  return (gpu, [x, dy, dl, ...layers]) => {
    const given = [x, dy, dl] as TensorInfo[];
    const stack = prepare(gpu, x as TensorInfo, layers, shift);
    const { key, n, D, L, own, prepared, products, args } = stack;
    // Gradients in the arguments, from the last layer to the first.
    const byArgs = gpu.run(`${key} arguments back`, [dy, dl, prepared, products, args] as TensorInfo[], [n, L], (shader) => {
      const { lanes: o, integer, loop, memory, read, sum } = shader;
      const [row, first] = [integer(`index / ${L}`), integer(`index % ${L}`)];
      const gl = read(1, row);
      const found = memory(L);
      loop(`${L} - ${first}`, (back) => {
        const l = integer(`${L - 1} - ${back}`);
        const { h, slope, onePlusA } = bentAt(shader, stack, l, read(4, `${row} * ${L} + ${l}`), 2);
        const direct = sum(D, (d) => o.mul(read(0, `${row} * ${D} + ${d}`), read(2, `${l} * ${D + EXTRA} + ${d}`)));
        const byLater = sum(back, (i) => {
          const later = integer(`${L - 1} - ${i}`);
          return o.mul(found.at(later), read(3, `${later} * ${L} + ${l}`));
        });
        const ofOnePlusA = byOnePlusA(o, h, slope, onePlusA, gl);
        const a = o.sub(onePlusA, o.constant(1));
        found.put(l, byArgument(o, h, slope, a, o.add(direct, byLater), ofOnePlusA));
      });
      return found.at(first);
    });
    const W = 2 * D + 2 + L;
    const [dx, sums] = gpu.runAll(
      `${key} sums`,
      [...given, own, prepared, args, byArgs],
      [given[0]?.shape as number[], [L, W]],
      (shader, output) => {
        const { lanes: o, choose, integer, read, sum } = shader;
        if (output === 0) {
          const [row, d] = [integer(`index / ${D}`), integer(`index % ${D}`)];
          return o.add(
            read(1, 'index'),
            sum(L, (l) => o.mul(read(6, `${row} * ${L} + ${l}`), read(3, `${l} * ${2 * D + 1} + ${d}`))),
          );
        }
        // Over rows: for uHat [D] and w [D] but for what comes by other layers, 1 + a, b, and products with what other layers made.
        const [l, c] = [integer(`index / ${W}`), integer(`index % ${W}`)];
        return sum(n, (row) => {
          const s = (): string => read(5, `${row} * ${L} + ${l}`);
          const byS = (): string => read(6, `${row} * ${L} + ${l}`);
          const ofSlope = (): string => {
            const { h, slope, onePlusA } = bentAt(shader, stack, l, s(), 4);
            return byOnePlusA(o, h, slope, onePlusA, read(2, row));
          };
          const byOther = (): string => o.mul(byS(), o.tanh(read(5, `${row} * ${L} + ${c} - ${2 * D + 2}`)));
          const rest = (): string => choose(`${c} == ${2 * D}`, ofSlope, () => choose(`${c} == ${2 * D + 1}`, byS, byOther));
          return choose(
            `${c} < ${D}`,
            () => o.mul(read(1, `${row} * ${D} + ${c}`), o.tanh(s())),
            () => choose(`${c} < ${2 * D}`, () => o.mul(byS(), read(0, `${row} * ${D} + ${c} - ${D}`)), rest),
          );
        });
      },
    ) as [TensorInfo, TensorInfo];
    const gradient = gpu.run(`${key} parameters`, [own, prepared, sums], [L, 2 * D + 1], (shader) =>
      parameterGradient(shader, D, L),
    );
    const all = separated(
      gpu,
      gradient,
      layers.map(({ shape }) => shape),
    );
    [byArgs, sums, gradient].forEach(gpu.free);
    free(gpu, stack);
    return [dx, ...all];
  };
}

/** What is made of w and u of a layer before any row: uHat [D], then these. */
const [ONE_PLUS_A, BEND, SQUARE, ARGUMENT, EXTRA] = [0, 1, 2, 3, 4];

interface Stack {
  readonly key: string;
  /** Rows, their size, and layers. */
  readonly n: number;
  readonly D: number;
  readonly L: number;
  /** [L, 2 D + 1]: w, u and b. */
  readonly own: TensorInfo;
  /** [L, D + EXTRA]. */
  readonly prepared: TensorInfo;
  /** [L, L]: w of a layer times uHat of another. */
  readonly products: TensorInfo;
  /** [n, L]: what the tanh of a layer is taken of. */
  readonly args: TensorInfo;
}

function prepare(gpu: Gpu, x: TensorInfo, layers: readonly TensorInfo[], shift: number): Stack {
  const L = layers.length / 3;
  const D = x.shape.at(-1) as number;
  const n = sizeOf(x.shape) / D;
  const key = `planar ${shift} ${n} ${D} ${L}`;
  const own = joined(gpu, layers);
  const [prepared, products] = gpu.runAll(
    `${key} prepared`,
    [own],
    [
      [L, D + EXTRA],
      [L, L],
    ],
    ({ lanes: o, choose, integer, pick, read, sum }, output) => {
      const w = (l: string, d: string): string => read(0, `${l} * ${2 * D + 1} + ${d}`);
      const u = (l: string, d: string): string => read(0, `${l} * ${2 * D + 1} + ${D} + ${d}`);
      // uHat = u + bend w, with bend = (a - w u) / |w|^2 and 1 + a = softplus(w u + shift).
      const bent = (l: string) => {
        const wu = sum(D, (d) => o.mul(w(l, d), u(l, d)));
        const square = sum(D, (d) => {
          const value = w(l, d);
          return o.mul(value, value);
        });
        const argument = o.add(wu, o.constant(shift));
        const onePlusA = softplus(o, argument);
        const bend = bendOf(o, onePlusA, wu, square);
        return { extra: [onePlusA, bend, square, argument], uHat: (d: string) => o.fma(bend, w(l, d), u(l, d)) };
      };
      if (output === 1) {
        const [l, other] = [integer(`index / ${L}`), integer(`index % ${L}`)];
        const { uHat } = bent(other);
        return sum(D, (d) => o.mul(w(l, d), uHat(d)));
      }
      const [l, c] = [integer(`index / ${D + EXTRA}`), integer(`index % ${D + EXTRA}`)];
      const { extra, uHat } = bent(l);
      return choose(
        `${c} < ${D}`,
        () => uHat(c),
        () => pick(extra, `${c} - ${D}`),
      );
    },
  ) as [TensorInfo, TensorInfo];
  const args = gpu.run(`${key} arguments`, [x, own, products], [n, L], ({ lanes: o, integer, loop, memory, read, sum }) => {
    const [row, last] = [integer(`index / ${L}`), integer(`index % ${L}`)];
    const [found, made] = [memory(L), memory(L)];
    loop(`${last} + 1`, (l) => {
      const ofX = sum(D, (d) => o.mul(read(1, `${l} * ${2 * D + 1} + ${d}`), read(0, `${row} * ${D} + ${d}`)));
      const ofEarlier = sum(l, (j) => o.mul(read(2, `${l} * ${L} + ${j}`), made.at(j)));
      const s = o.add(o.add(ofX, read(1, `${l} * ${2 * D + 1} + ${2 * D}`)), ofEarlier);
      found.put(l, s);
      made.put(l, o.tanh(s));
    });
    return found.at(last);
  });
  return { key, n, D, L, own, prepared, products, args };
}

function free(gpu: Gpu, { own, prepared, products, args }: Stack): void {
  [own, prepared, products, args].forEach(gpu.free);
}

interface Bent {
  readonly h: string;
  readonly slope: string;
  readonly onePlusA: string;
}

/** Of layer l at an argument; `prepared` is an input of the program. */
function bentAt({ lanes: o, read }: Shader, { D }: Stack, l: string, s: string, prepared: number): Bent {
  const onePlusA = read(prepared, `${l} * ${D + EXTRA} + ${D + ONE_PLUS_A}`);
  return { h: o.tanh(s), slope: tanhSlope(o, s), onePlusA };
}

/** Of w, u or b, of those in w itself, uHat, 1 + a and b. Inputs are w, u and b, what is prepared, and sums over rows. */
function parameterGradient({ lanes: o, choose, integer, read, sum }: Shader, D: number, L: number): string {
  const W = 2 * D + 2 + L;
  const [l, c] = [integer(`index / ${2 * D + 1}`), integer(`index % ${2 * D + 1}`)];
  const own = (layer: string, at: string): string => read(0, `${layer} * ${2 * D + 1} + ${at}`);
  const extra = (at: number): string => read(1, `${l} * ${D + EXTRA} + ${D + at}`);
  const summed = (layer: string, at: string): string => read(2, `${layer} * ${W} + ${at}`);
  const byUHat = (d: string): string =>
    o.add(
      summed(l, d),
      sum(`${L - 1} - ${l}`, (i) => {
        const later = integer(`${l} + 1 + ${i}`);
        return o.mul(own(later, d), summed(later, `${2 * D + 2} + ${l}`));
      }),
    );
  const itself = (d: string): string =>
    o.add(
      summed(l, `${D} + ${d}`),
      sum(l, (j) => o.mul(read(1, `${j} * ${D + EXTRA} + ${d}`), summed(l, `${2 * D + 2} + ${j}`))),
    );
  const ofVector = (): string => {
    const [bend, square] = [extra(BEND), extra(SQUARE)];
    const share = o.div(
      sum(D, (d) => o.mul(byUHat(d), own(l, d))),
      square,
    );
    const ofProduct = byProduct(o, summed(l, `${2 * D}`), share, extra(ARGUMENT));
    const d = integer(`${c} % ${D}`);
    const [w, u, outer] = [own(l, d), own(l, `${D} + ${d}`), byUHat(d)];
    return choose(
      `${c} < ${D}`,
      () => byW(o, w, u, itself(d), outer, ofProduct, share, bend),
      () => byU(o, w, outer, ofProduct),
    );
  };
  return choose(`${c} < ${2 * D}`, ofVector, () => summed(l, `${2 * D + 1}`));
}
