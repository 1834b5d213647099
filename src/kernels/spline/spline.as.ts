// `math.ts` over all elements, four at a time: elements i, i + rows, i + 2 rows ... have the parameters of row i.
import { column, columns, lanes, putColumn } from '../wasm/columns.as';
import { Columns } from '../wasm/lanes.as';
import { loadPart, storePart } from '../dense/product.as';
import { curve, curveGradient, logDerivative, rawAt, rawSize, spline, splineGradient } from './math';

/**
 * x [n], parameters [rows, P] -> y and log-derivative.
 *
 * @param scratch curveSize(bins) vectors
 */
export function splines(
  x: usize, parameters: usize, y: usize, logs: usize, scratch: usize, n: i32, rows: i32,
  inverse: i32, bins: i32, boundary: i32, isBounded: i32, bound: f64, leastWidth: f64, leastHeight: f64, least: f64, offset: f64,
): void {
  const o = lanes(), memory = changetype<Columns<v128>>(scratch), size = rawSize(bins, boundary);
  const back = inverse != 0, soft = isBounded != 0;
  for (let row = 0; row < rows; row += 4) {
    const count = rows - row;
    gather(memory, parameters + (<usize>(row * size) << 2), size, count, rawAt(bins));
    curve<v128>(o, memory, bins, boundary, soft, bound, leastWidth, leastHeight);
    for (let i = row; i < n; i += rows) {
      const at = <usize>i << 2;
      const to = spline<v128>(o, memory, loadPart(x + at, count), back, bins, boundary, soft, bound, least, offset);
      storePart(y + at, to, count);
      storePart(logs + at, logDerivative<v128>(memory, bins), count);
    }
  }
}

/** Gradients in x and the parameters, of those in y and the log-derivative. */
export function splinesGradient(
  x: usize, parameters: usize, dy: usize, dl: usize, dx: usize, dparameters: usize, scratch: usize, n: i32, rows: i32,
  inverse: i32, bins: i32, boundary: i32, isBounded: i32, bound: f64, leastWidth: f64, leastHeight: f64, least: f64, offset: f64,
): void {
  const o = lanes(), memory = changetype<Columns<v128>>(scratch), size = rawSize(bins, boundary), raw = rawAt(bins);
  const back = inverse != 0, soft = isBounded != 0;
  for (let row = 0; row < rows; row += 4) {
    const count = rows - row;
    const at = <usize>(row * size) << 2;
    gather(memory, parameters + at, size, count, raw);
    curve<v128>(o, memory, bins, boundary, soft, bound, leastWidth, leastHeight);
    for (let i = row; i < n; i += rows) {
      const at = <usize>i << 2;
      const g = loadPart(dy + at, count), h = loadPart(dl + at, count);
      const from = loadPart(x + at, count);
      storePart(
        dx + at,
        splineGradient<v128>(o, memory, from, g, h, back, bins, boundary, soft, bound, least, offset),
        count,
      );
    }
    curveGradient<v128>(o, memory, bins, boundary, soft, bound, leastWidth, leastHeight);
    columns(dparameters + at, size, count);
    for (let p = 0; p < size; p++) putColumn(p, memory.at(raw + p));
  }
}

function gather(memory: Columns<v128>, parameters: usize, size: i32, count: i32, raw: i32): void {
  columns(parameters, size, count);
  for (let p = 0; p < size; p++) memory.put(raw + p, column(p));
}
