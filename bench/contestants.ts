import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** An implementation, and how its process is started. */
export interface Contestant {
  readonly name: string;
  readonly command: readonly string[];
  /** What is undefined is taken away. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Whether it can measure the machine's limits. */
  readonly hasLimits: boolean;
  /** Whether it may be missing on a machine. */
  readonly isOptional: boolean;
}

/** Runs a TypeScript program; BENCH_NODE names another Node than the one that runs this. */
const program = (file: string, ...args: string[]): string[] => [
  process.env.BENCH_NODE ?? process.execPath,
  'scripts/run.mjs',
  file,
  ...args,
];

/** This library; 'wasm-threads' is wasm with two threads. A GPU's backend may be missing. */
export function ours(backend: string): Contestant {
  if (backend !== 'wasm-threads') {
    return onBackend('tfjs-flows', 'bench/ours.ts', backend);
  }
  const command = program('bench/ours.ts', '--backend', 'wasm', '--threads', '2');
  return { name: THREADED, command, hasLimits: false, isOptional: false };
}

/** What this library on wasm is called where it has a second thread. */
export const THREADED = 'tfjs-flows wasm, 2 threads';

/** In Node, but for webgl, which is in Chromium, and for webgpu there, called 'webgpu-chromium'. */
function onBackend(implementation: string, file: string, backend: string): Contestant {
  const isInBrowser = backend === 'webgl' || backend === 'webgpu-chromium';
  const name = `${implementation} ${backend}`;
  return {
    name,
    command: isInBrowser
      ? program('bench/browser.ts', '--backend', backend.replace('-chromium', ''))
      : program(file, '--backend', backend),
    ...(isInBrowser ? { environment: { BENCH_IMPLEMENTATION: implementation } } : {}),
    hasLimits: backend === 'wasm' || (backend === 'cpu' && implementation === 'tfjs-flows'),
    isOptional: backend.startsWith('webg'),
  };
}

/** What of the others is here, and in words what is not. TensorFlow.js on those of the backends that it is not hopeless on. */
export function peers(backends: readonly string[]): { contestants: Contestant[]; absences: string[] } {
  const contestants = ['wasm', 'webgpu', 'webgl', 'webgpu-chromium']
    .filter((backend) => backends.includes(backend))
    .map((backend) => onBackend('TensorFlow.js', 'bench/peers/tensorflowProgram.ts', backend));
  const absences: string[] = [];
  if (isInstalled('@jax-js/jax')) {
    contestants.push({ name: 'jax-js wasm', command: program('bench/peers/jax.ts'), hasLimits: true, isOptional: false });
  } else {
    absences.push('jax-js: npm install --no-save @jax-js/jax@0.1.25');
  }
  const torch = torchContestants();
  return { contestants: [...contestants, ...torch.contestants], absences: [...absences, ...torch.absences] };
}

function isInstalled(name: string): boolean {
  const paths = createRequire(join(process.cwd(), 'package.json')).resolve.paths(name) ?? [];
  return paths.some((path) => existsSync(join(path, name, 'package.json')));
}

/** With one thread and with two: the second one helps some workloads and harms others. */
function torchContestants(): { contestants: Contestant[]; absences: string[] } {
  const python = process.env.BENCH_PYTHON ?? 'python3';
  const probe = spawnSync(python, ['-c', 'import torch; a = torch.ones(64, 64); a @ a'], {
    encoding: 'utf8',
    // Without OPENBLAS_CORETYPE, which may be there for other programs.
    env: { ...process.env, OPENBLAS_CORETYPE: undefined, OPENBLAS_VERBOSE: '2', OPENBLAS_NUM_THREADS: '1' },
  });
  if (probe.status !== 0) {
    const how = 'install python3 with torch, nflows, zuko, normflows and survae, or name a Python that has them in BENCH_PYTHON';
    return { contestants: [], absences: [`PyTorch: ${how}`] };
  }
  const core = coreOf(`${probe.stdout}${probe.stderr}`);
  const contestants = [1, 2].map(
    (threads): Contestant => ({
      name: `PyTorch, ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
      command: [python, 'bench/peers/torch_peers.py', '--threads', String(threads)],
      environment: {
        OMP_NUM_THREADS: String(threads),
        OPENBLAS_NUM_THREADS: String(threads),
        OPENBLAS_CORETYPE: core,
      },
      hasLimits: threads === 1,
      isOptional: false,
    }),
  );
  return { contestants, absences: [] };
}

/**
 * What to tell OpenBLAS of the processor, so that it multiplies as fast as it can: releases older than a processor take kernels
 * for another, up to five times slower. Undefined where it knows, or where another library multiplies.
 */
function coreOf(said: string): string | undefined {
  const detected = /^Core: (.*)/m.exec(said)?.[1];
  if (detected === undefined || !existsSync('/proc/cpuinfo')) {
    return undefined;
  }
  const flags = readFileSync('/proc/cpuinfo', 'utf8');
  if (flags.includes('avx512bw')) {
    return /skylakex|cooperlake|sapphirerapids/i.test(detected) ? undefined : 'SkylakeX';
  }
  return flags.includes('avx2') && detected === 'Prescott' ? 'Haswell' : undefined;
}
