import type { Tensor } from '@tensorflow/tfjs-core';
import { concat, dispose, reshape, tidy, zerosLike } from '@tensorflow/tfjs-core';
import { repeat } from '../core/repeat.js';
import type { Rng } from '../core/rng.js';
import { createBreather, tilesOf } from '../core/tiles.js';
import type { LatentVariableModel } from '../objectives/latentVariableModel.js';

/** Draws from every posterior. Draw s of data point i stands at s N + i. */
export interface Draws {
  /** [S N, ...latent]. */
  readonly z: Tensor;
  /** Zeros where it is not wanted. */
  readonly logLikelihood: Float64Array;
  readonly logPosterior: Float64Array;
  readonly logPrior: Float64Array;
}

export interface DrawProblem {
  readonly model: LatentVariableModel;
  readonly rows: (start: number, end: number) => Tensor;
  readonly n: number;
  readonly samples: number;
  readonly tile: number;
  readonly rng: Rng;
  readonly signal: AbortSignal | undefined;
  /** Whether log p(x | z) is wanted. */
  readonly likelihood: boolean;
}

/** The draws and their log-densities, a tile of data points at a time. */
export async function drawAll({ model, rows, n, samples, tile, rng, signal, likelihood }: DrawProblem): Promise<Draws> {
  const codes: Tensor[] = [];
  const logs = ['logLikelihood', 'logPosterior', 'logPrior'].map(() => new Float64Array(samples * n));
  const breathe = createBreather();
  try {
    for (const [start, end] of tilesOf(n, tile)) {
      signal?.throwIfAborted();
      const [z, ...tensors] = tidy(() => {
        const x = rows(start, end);
        const [code, logPosterior] = model.posterior(x, { rng }).sampleAndLogProb({ shape: [samples], rng });
        const logLikelihood = likelihood ? model.likelihood(code, { rng }).logProb(repeat(x, samples)) : zerosLike(logPosterior);
        return [code, logLikelihood, logPosterior, model.prior.logProb(code)] as [Tensor, Tensor, Tensor, Tensor];
      });
      codes.push(z);
      try {
        const values = await Promise.all(tensors.map((t) => t.data()));
        for (let s = 0; s < samples; s++) {
          for (let i = start; i < end; i++) {
            for (const [k, log] of logs.entries()) {
              log[s * n + i] = (values[k] as ArrayLike<number>)[s * (end - start) + i - start] as number;
            }
          }
        }
      } finally {
        dispose(tensors);
      }
      await breathe();
    }
    const z = tidy(() => {
      const all = concat(codes, 1);
      return reshape(all, [samples * n, ...all.shape.slice(2)]);
    });
    const [logLikelihood, logPosterior, logPrior] = logs as [Float64Array, Float64Array, Float64Array];
    return { z, logLikelihood, logPosterior, logPrior };
  } finally {
    dispose(codes);
  }
}
