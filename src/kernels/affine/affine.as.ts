// `math.ts` over all elements, four at a time.
import { column, columns, lanes, putColumn } from '../wasm/columns.as';
import { loadPart, storePart } from '../dense/product.as';
import { affineForward, affineInverse, GATE, logScale, logScaleSlope } from './math';

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
  const isGate = kind == GATE;
  for (let i = 0; i < n; i += 4) {
    const at = <usize>i << 2, count = n - i;
    columns(parameters + 2 * at, 2, count);
    const shift = column(0), raw = column(1);
    const s = logScale<v128>(o, raw, kind, offset, least, most);
    const slope = logScaleSlope<v128>(o, raw, s, kind, offset, least, most);
    const g = loadPart(dy + at, count), h = loadPart(dl + at, count);
    const from = loadPart(x + at, count);
    const factor = inverse ? o.exp(o.min(o.neg(s), o.constant(80))) : o.exp(s);
    const through = f32x4.mul(g, factor);
    // y - shift or x - shift, times the factor: how fast the result changes with s.
    const moved = inverse || isGate ? f32x4.sub(from, shift) : from;
    const byScale = o.fma(through, moved, h);
    storePart(dx + at, through, count);
    columns(dparameters + 2 * at, 2, count);
    putColumn(0, inverse ? (isGate ? f32x4.sub(g, through) : f32x4.neg(through)) : isGate ? f32x4.sub(g, through) : g);
    putColumn(1, f32x4.mul(inverse ? f32x4.neg(byScale) : byScale, slope));
  }
}
