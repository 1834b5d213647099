import type { Tensor } from '@tensorflow/tfjs-core';
import { reshape, transpose, zeros } from '@tensorflow/tfjs-core';
import type { Bijector } from '../core/bijector.js';
import { defineBijector } from '../core/bijector.js';
import { checkInteger, checkOptions, invalid } from '../core/errors.js';
import { batchShapeOf } from '../core/shapes.js';

/**
 * Where entry (dy, dx) of channel c of a block goes among the channels: 'channelwise' to c f^2 + dy f + dx, 'spaceToDepth' to
 * (dy f + dx) C + c.
 */
export type SqueezeOrder = 'channelwise' | 'spaceToDepth';

/** What `squeeze2d` takes. */
export interface Squeeze2dOptions {
  /** f: side of the blocks, at least 2. Default 2. */
  readonly factor?: number;
  /** Default 'channelwise'. */
  readonly order?: SqueezeOrder;
}

/**
 * Turns f x f blocks of pixels into channels: y[i, j, k(c, dy, dx)] = x[f i + dy, f j + dx, c]. log|det| = 0.
 *
 * Two orders are in use. 'channelwise', k = c f^2 + dy f + dx, is that of Glow, nflows, normflows and of survae's default: what came
 * from one channel stays together. 'spaceToDepth', k = (dy f + dx) C + c, is that of TensorFlow's op of this name and of survae with
 * `ordered`: what came from one pixel stays together, so that half of the channels are half of the pixels.
 *
 * `forward` squeezes. Images are squeezed on the way from the data to the base, so that within a flow it is
 * `invert(squeeze2d())`.
 *
 * Shapes: x [...batch, H, W, C], y [...batch, H/f, W/f, f^2 C], log-det [...batch].
 *
 * @throws for a factor below 2, an unknown order or option; at a call for sizes that the factor does not divide.
 * Source: Dinh et al. 2017, "Density estimation using Real NVP", section 3.6.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { squeeze2d } from 'tfjs-flows';
 *
 * const image = tf.tensor3d([[[1, 10], [2, 20]], [[3, 30], [4, 40]]]);
 * console.log(squeeze2d().forward(image).dataSync().join(' ')); // => 1 2 3 4 10 20 30 40
 * console.log(squeeze2d({ order: 'spaceToDepth' }).forward(image).dataSync().join(' ')); // => 1 10 2 20 3 30 4 40
 * ```
 */
export function squeeze2d(options: Squeeze2dOptions = {}): Bijector {
  checkOptions('squeeze2d', options, ['factor', 'order']);
  const { factor, order } = { factor: 2, order: 'channelwise', ...options };
  checkInteger('squeeze2d', 'options.factor', factor, 2);
  if (order !== 'channelwise' && order !== 'spaceToDepth') {
    throw invalid('squeeze2d', 'options.order', "'channelwise' or 'spaceToDepth'", order);
  }
  const area = factor * factor;
  const logDet = (x: Tensor): Tensor => zeros(batchShapeOf(x, 3));
  // At most four axes at a time, whatever the batch: rows of blocks first, then channels.
  return defineBijector({
    name: 'squeeze2d',
    forwardEvent: [null, null, null],
    forwardAndLogDet: (x) => {
      const [height, width, channels] = x.shape.slice(-3) as [number, number, number];
      if (height % factor !== 0 || width % factor !== 0) {
        throw invalid('squeeze2d.forward', 'x', `of a height and a width that ${factor} divides`, x);
      }
      const blocks = transpose(reshape(x, [-1, factor, width / factor, factor * channels]), [0, 2, 1, 3]);
      const y = order === 'channelwise' ? transpose(reshape(blocks, [-1, area, channels]), [0, 2, 1]) : blocks;
      return [reshape(y, [...batchShapeOf(x, 3), height / factor, width / factor, area * channels]), logDet(x)];
    },
    inverseAndLogDet: (y) => {
      const [height, width, deep] = y.shape.slice(-3) as [number, number, number];
      if (deep % area !== 0) {
        throw invalid('squeeze2d.inverse', 'y', `of a number of channels that ${area} divides`, y);
      }
      const channels = deep / area;
      const blocks = order === 'channelwise' ? transpose(reshape(y, [-1, channels, area]), [0, 2, 1]) : y;
      const x = transpose(reshape(blocks, [-1, width, factor, factor * channels]), [0, 2, 1, 3]);
      return [reshape(x, [...batchShapeOf(y, 3), height * factor, width * factor, channels]), logDet(y)];
    },
  });
}
