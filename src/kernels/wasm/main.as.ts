// What the binary exports.
export { delta, product } from '../dense/product.as';
export { adamStep, squaredNorm } from '../adam/adam.as';
export { normals, uniforms } from '../noise/noise.as';
export { affine, affineGradient } from '../affine/affine.as';
export { copy, fill, put, rowSums, spread, take } from '../take/take.as';
export { logisticMixture, logisticMixtureGradient } from '../logisticMixture/logisticMixture.as';
export { planar, planarGradient, planarScratch } from '../planar/planar.as';
export { sylvester, sylvesterGradient, sylvesterScratch } from '../sylvester/sylvester.as';
export { logSumsScratch, normalLogSums } from '../normalLogSums/normalLogSums.as';
export { logDensity, logDensityGradient } from '../logDensity/logDensity.as';
export { add } from '../sum/sum.as';
export { unary } from '../unary/unary.as';
export { splines, splinesGradient } from '../spline/spline.as';
export { depthwise, einsum, patches, segmentSum } from '../gradients/gradients.as';
