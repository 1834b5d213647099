/** log(e^x - 1), on the host: the x whose softplus is `y`. */
export function softplusInverse(y: number): number {
  return y > 30 ? y : Math.log(Math.expm1(y));
}
