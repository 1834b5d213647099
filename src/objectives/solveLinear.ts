import type { Tensor } from '@tensorflow/tfjs-core';
import { add, cast, greaterEqual, mul, rsqrt, square, sub, sum, zerosLike } from '@tensorflow/tfjs-core';

/** Keeps 0 / 0 away. */
const TINY = 1e-30;

/** What is left of the square of a vector by rounding alone: a direction with no more to it than that is none. */
const ROUNDING = 1e-11;

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
  const dot = (u: Tensor, v: Tensor): Tensor => sum(mul(u, v), 1, true);
  const squares = (v: Tensor): Tensor => sum(square(v), 1, true);
  const all: [direction: Tensor, image: Tensor][] = [];
  let x: Tensor = zerosLike(b);
  let direction = b;
  for (const _ of Array.from({ length: steps })) {
    let image = product(direction);
    const before = squares(image);
    // Twice: once leaves what float32 rounds off.
    for (const [earlier, itsImage] of [...all, ...all]) {
      const share = dot(image, itsImage);
      image = sub(image, mul(share, itsImage));
      direction = sub(direction, mul(share, earlier));
    }
    const left = squares(image);
    const scale = mul(rsqrt(add(left, TINY)), cast(greaterEqual(left, mul(before, ROUNDING)), 'float32'));
    image = mul(image, scale);
    direction = mul(direction, scale);
    x = add(x, mul(dot(b, image), direction));
    all.push([direction, image]);
    direction = image;
  }
  return x;
}
