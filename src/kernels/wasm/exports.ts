/** Numbers are addresses, sizes or float32 values; see the files *.as.ts. */
type Function = (...numbers: number[]) => number;

/** What main.as.ts exports. */
export interface Exports {
  readonly product: Function;
  readonly delta: Function;
  readonly adamStep: Function;
  readonly squaredNorm: Function;
  readonly affine: Function;
  readonly affineGradient: Function;
  readonly logisticMixture: Function;
  readonly logisticMixtureGradient: Function;
  readonly planar: Function;
  readonly planarGradient: Function;
  readonly planarScratch: Function;
  readonly sylvester: Function;
  readonly sylvesterGradient: Function;
  readonly sylvesterScratch: Function;
  readonly logSumsScratch: Function;
  readonly normalLogSums: Function;
  readonly logDensity: Function;
  readonly logDensityGradient: Function;
  readonly unary: Function;
  readonly take: Function;
  readonly rowSums: Function;
  readonly spread: Function;
  readonly copy: Function;
  readonly add: Function;
  readonly fill: Function;
  readonly patches: Function;
  readonly depthwise: Function;
  readonly segmentSum: Function;
  readonly einsum: Function;
  readonly put: Function;
  readonly splines: Function;
  readonly splinesGradient: Function;
  readonly normals: Function;
  readonly uniforms: Function;
}
