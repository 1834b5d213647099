import { parseArgs } from 'node:util';

/** What the program is asked to do. */
export interface Options {
  readonly posterior: 'gaussian' | 'planar' | 'iaf';
  readonly prior: 'normal' | 'flow';
  readonly epochs: number;
  readonly seed: number;
  readonly backend: string;
  readonly threads: 1 | 2;
  readonly images: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly out: string;
  readonly resume: boolean;
}

export const HELP = `Trains a variational autoencoder on binarised MNIST, and shows what it has learnt.

usage: npm start -- [options]

  --posterior NAME      gaussian, planar or iaf: the approximate posterior q(z | x)   (iaf)
  --prior NAME          normal or flow: the prior p(z)                                (normal)
  --epochs N            passes over the training images                               (2)
  --images N            training images, at most 60000                                (60000)
  --batch-size N        images a step                                                 (100)
  --learning-rate X     of Adam, falling to a tenth along a cosine                    (0.002)
  --seed N              of all that is random                                         (0)
  --backend NAME        wasm, cpu or webgpu                                           (wasm)
  --threads N           1 or 2, on wasm                                               (2)
  --out FOLDER          where picture, weights and checkpoint go                      (out)
  --resume              go on from the checkpoint in that folder
  --help                this text

Ctrl-C stops after the step under way and saves; --resume goes on from there.`;

/** Reads the command line; throws an error that says what is wrong with it. */
export function readOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      posterior: { type: 'string', default: 'iaf' },
      prior: { type: 'string', default: 'normal' },
      epochs: { type: 'string', default: '2' },
      images: { type: 'string', default: '60000' },
      'batch-size': { type: 'string', default: '100' },
      'learning-rate': { type: 'string', default: '0.002' },
      seed: { type: 'string', default: '0' },
      backend: { type: 'string', default: 'wasm' },
      threads: { type: 'string', default: '2' },
      out: { type: 'string', default: 'out' },
      resume: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    return 'help';
  }
  return {
    posterior: oneOf('posterior', values.posterior, ['gaussian', 'planar', 'iaf']),
    prior: oneOf('prior', values.prior, ['normal', 'flow']),
    epochs: integer('epochs', values.epochs, 1, 10000),
    images: integer('images', values.images, 1, 60000),
    batchSize: integer('batch-size', values['batch-size'], 1, 60000),
    learningRate: positive('learning-rate', values['learning-rate']),
    seed: integer('seed', values.seed, 0, Number.MAX_SAFE_INTEGER),
    backend: oneOf('backend', values.backend, ['wasm', 'cpu', 'webgpu']),
    threads: integer('threads', values.threads, 1, 2) as 1 | 2,
    out: values.out,
    resume: values.resume,
  };
}

function oneOf<const T extends string>(name: string, value: string, known: readonly T[]): T {
  const found = known.find((each) => each === value);
  if (found === undefined) {
    throw new Error(`--${name} should be ${known.slice(0, -1).join(', ')} or ${known.at(-1)}, but got '${value}'.`);
  }
  return found;
}

function integer(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < least || value > most) {
    throw new Error(`--${name} should be an integer from ${least} to ${most}, but got '${text}'.`);
  }
  return value;
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) {
    throw new Error(`--${name} should be a number above 0, but got '${text}'.`);
  }
  return value;
}
