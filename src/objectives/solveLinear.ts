import type { Tensor } from '@tensorflow/tfjs-core';
import { add, mul, rsqrt, square, sub, sum, zerosLike } from '@tensorflow/tfjs-core';

/** Keeps 0 / 0 away where nothing is left to search in. */
const TINY = 1e-30;

/**
 * Solves A x = b for each row, given products with A alone: the x of least residual in the space of b, A b, A^2 b, ..., which after
 * as many steps as x has elements is the solution.
 *
 * Unlike GMRES, which finds the same x, it needs no small systems solved on the host; and unlike short recurrences it does not
 * break down where A turns b by a right angle.
 *
 * @param product A of every row: [rows, n] -> [rows, n]
 * @param b [rows, n]
 * Source: Young and Jea 1980, "Generalized conjugate-gradient acceleration of nonsymmetrizable iterative methods" (ORTHODIR).
 */
export function solveLinear(product: (v: Tensor) => Tensor, b: Tensor, steps: number): Tensor {
  const dot = (u: Tensor, v: Tensor): Tensor => sum(mul(u, v), -1, true);
  const before: [direction: Tensor, image: Tensor][] = [];
  let x: Tensor = zerosLike(b);
  let residual = b;
  let direction = b;
  for (let step = 0; step < steps; step++) {
    let image = product(direction);
    // Twice: once leaves what float32 rounds off.
    for (const [earlier, itsImage] of [...before, ...before]) {
      const share = dot(image, itsImage);
      image = sub(image, mul(share, itsImage));
      direction = sub(direction, mul(share, earlier));
    }
    const scale = rsqrt(add(sum(square(image), -1, true), TINY));
    image = mul(image, scale);
    direction = mul(direction, scale);
    const length = dot(residual, image);
    x = add(x, mul(length, direction));
    residual = sub(residual, mul(length, image));
    before.push([direction, image]);
    direction = image;
  }
  return x;
}
