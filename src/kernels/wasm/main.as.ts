// What the binary exports.
export { delta, product } from '../dense/product.as';
export { adamStep, squaredNorm } from '../adam/adam.as';
export { normals, uniforms } from '../noise/noise.as';
export { affine, affineGradient } from '../affine/affine.as';
export { put, take } from '../take/take.as';
