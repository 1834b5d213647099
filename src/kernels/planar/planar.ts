/** What is added to w . u in the softplus that bends u, by the constraint. */
export const SHIFTS: Readonly<Record<'centred' | 'original', number>> = { centred: Math.log(Math.expm1(1)), original: 0 };

/** With the constraint behind it, the name of the fused kernel: of x [...batch, D] and, for each layer, w [D], u [D] and b, y and log-det. */
export const PLANAR = 'FlowsPlanar ';
