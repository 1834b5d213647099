/**
 * The name of the fused kernel of Sylvester flows between Q^T and Q: u [...batch, M], then triangles [..., M, M], diagonal,
 * diagonalTilde and b [..., M] as `sylvester` has them, to R tanh(R~ u + b) [...batch, M] and the log-det [...batch]. The leading
 * axes of the parameters are the last ones of the batch, or none.
 */
export const SYLVESTER = 'FlowsSylvester';
