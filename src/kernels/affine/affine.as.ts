// `math.ts` over all elements, four at a time.
import { column, columns, lanes, putColumn } from '../wasm/columns.as';
import { loadPart, storePart } from '../dense/product.as';
import {
  affineFactor, affineForward, affineInverse, affineScaleGradient, affineShiftGradient, GATE, logScale, logScaleSlope,
} from './math';

/** x, parameters [n, 2] -> y and log-derivative. */
export function affine(
  x: usize, parameters: usize, y: usize, logDerivative: usize, n: i32,
  inverse: i32, kind: i32, offset: f64, least: f64, most: f64,
): void {
  const o = lanes();
  for (let i = 0; i < n; i += 4) {
    const at = <usize>i << 2, count = n - i;
    columns(parameters + 2 * at, 2, count);
    const shift = column(0);
    const s = logScale<v128>(o, column(1), kind, offset, least, most);
    const from = loadPart(x + at, count);
    const to = inverse ? affineInverse<v128>(o, from, shift, s, kind == GATE) : affineForward<v128>(o, from, shift, s, kind == GATE);
    storePart(y + at, to, count);
    storePart(logDerivative + at, inverse ? f32x4.neg(s) : s, count);
  }
}

/** Gradients in x and the parameters, of those in y and the log-derivative. */
export function affineGradient(
  x: usize, parameters: usize, dy: usize, dl: usize, dx: usize, dparameters: usize, n: i32,
  inverse: i32, kind: i32, offset: f64, least: f64, most: f64,
): void {
  const o = lanes();
  const isGate = kind == GATE, isInverse = inverse != 0;
  for (let i = 0; i < n; i += 4) {
    const at = <usize>i << 2, count = n - i;
    columns(parameters + 2 * at, 2, count);
    const shift = column(0), raw = column(1);
    const s = logScale<v128>(o, raw, kind, offset, least, most);
    const g = loadPart(dy + at, count);
    const through = f32x4.mul(g, affineFactor<v128>(o, s, isInverse));
    const from = loadPart(x + at, count), h = loadPart(dl + at, count);
    const byScale = affineScaleGradient<v128>(o, from, shift, through, h, isInverse, isGate);
    storePart(dx + at, through, count);
    columns(dparameters + 2 * at, 2, count);
    putColumn(0, affineShiftGradient<v128>(o, g, through, isInverse, isGate));
    putColumn(1, f32x4.mul(byScale, logScaleSlope<v128>(o, raw, s, kind, offset, least, most)));
  }
}
