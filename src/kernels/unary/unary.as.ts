// TensorFlow.js's elementwise functions, four elements at a time.
import { exp4, softplus4, log4, sigmoid4, tanh4 } from '../wasm/lanes.as';
import { loadPart, storePart } from '../dense/product.as';

/** In the order of unary.wasm.ts. */
export function unary(x: usize, y: usize, n: i32, kind: i32): void {
  for (let i = 0; i < n; i += 4) {
    const at = <usize>i << 2, count = n - i;
    const v = loadPart(x + at, count);
    let r: v128;
    switch (kind) {
      case 0: { r = exp4(v); break; }
      case 1: { r = log4(v); break; }
      case 2: { r = tanh4(v); break; }
      case 3: { r = sigmoid4(v); break; }
      default: { r = softplus4(v); break; }
    }
    storePart(y + at, r, count);
  }
}
