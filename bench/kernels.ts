import { engine } from '@tensorflow/tfjs-core';
import type { KernelCount } from './records.js';

/**
 * What `work` asks of the current backend. Times are a kernel's own, where the backend works synchronously; of several runs, those
 * of the fastest.
 */
export async function countKernels(work: () => Promise<unknown>, runs: number): Promise<KernelCount> {
  const counts: KernelCount[] = [];
  for (let run = 0; run < runs; run++) {
    counts.push(await countOnce(work));
  }
  const total = ({ profile }: KernelCount): number => profile.reduce((sum, { ms }) => sum + ms, 0);
  return counts.reduce((best, each) => (total(each) < total(best) ? each : best));
}

async function countOnce(work: () => Promise<unknown>): Promise<KernelCount> {
  const used = new Map<string, { calls: number; ms: number }>();
  /** Time spent in kernels that the running ones called, innermost last. */
  const inner: number[] = [];
  let programs = 0;
  const tf = engine();
  const restore = [
    replace(tf, 'runKernel', (run) => (...args) => {
      const [name, , attributes] = args as [string, object, { transposeA?: boolean; transposeB?: boolean }?];
      const label =
        name === 'BatchMatMul' ? `${name} ${attributes?.transposeA ? 'T' : 'N'}${attributes?.transposeB ? 'T' : 'N'}` : name;
      const began = performance.now();
      inner.push(0);
      const result = run(...args);
      const elapsed = performance.now() - began;
      const own = elapsed - (inner.pop() as number);
      if (inner.length > 0) {
        inner.push((inner.pop() as number) + elapsed);
      }
      const { calls, ms } = used.get(label) ?? { calls: 0, ms: 0 };
      used.set(label, { calls: calls + 1, ms: ms + own });
      return result;
    }),
    ...['runWebGPUProgram', 'runWebGLProgram'].map((method) =>
      replace(tf.backend, method, (run) => (...args) => {
        programs += 1;
        return run(...args);
      }),
    ),
  ];
  try {
    await work();
  } finally {
    for (const undo of restore.reverse()) {
      undo();
    }
  }
  const profile = [...used].map(([name, { calls, ms }]) => ({ name, calls, ms: Number(ms.toFixed(3)) }));
  return {
    calls: profile.reduce((total, { calls }) => total + calls, 0),
    programs,
    profile: profile.sort((a, b) => b.ms - a.ms),
  };
}

type Method = (...args: unknown[]) => unknown;

/** Puts another method in the place of one, if there is one; what puts it back. */
function replace(object: object, name: string, by: (original: Method) => Method): () => void {
  const methods = object as Record<string, Method | undefined>;
  const original = methods[name];
  if (original === undefined) {
    return () => {};
  }
  const wasOwn = Object.hasOwn(object, name);
  methods[name] = by(original.bind(object));
  return () => {
    if (wasOwn) {
      methods[name] = original;
    } else {
      delete methods[name];
    }
  };
}
