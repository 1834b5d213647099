import type { Arithmetic } from '../elementTransformer.js';

/** The arithmetic of kernels with numbers, in float64. */
export const numbers: Arithmetic<number> = {
  lanes: {
    constant: (value) => value,
    add: (a, b) => a + b,
    sub: (a, b) => a - b,
    mul: (a, b) => a * b,
    div: (a, b) => a / b,
    neg: (a) => -a,
    abs: Math.abs,
    sqrt: Math.sqrt,
    max: (a, b) => Math.max(a, b),
    min: (a, b) => Math.min(a, b),
    fma: (a, b, c) => a * b + c,
    ifAtLeast: (a, b, yes, no) => (a >= b ? yes : no),
    exp: Math.exp,
    log: Math.log,
    log1p: Math.log1p,
    tanh: Math.tanh,
    sigmoid: (a) => 1 / (1 + Math.exp(-a)),
  },
  stored: Math.fround,
  columns: (read) => {
    const held: number[] = [];
    return {
      at: (p) => {
        held[p] ??= read(p);
        return held[p] as number;
      },
      put: (p, value) => {
        held[p] = value;
      },
    };
  },
  repeat: (steps, state, next) => {
    let at = state;
    for (let step = 0; step < steps; step++) {
      const before = at;
      at = next(before);
      if (at.every((value, i) => value === before[i])) {
        break;
      }
    }
    return at;
  },
};
