import { importInNode, inNode } from '../../core/node.js';
import { watchPunctuality } from './punctuality.js';

/** A second thread that runs the same kernels in the same memory. */
export interface Thread {
  /** Whether to give it work: see `watchPunctuality`. */
  keepsUp(): boolean;
  /** Lets it run an export, by its name; `finish` must have been called for the one before. */
  start(name: string, numbers: readonly number[]): void;
  /**
   * Waits until it has finished. False where the caller is to run the export instead: the thread has not begun, and will not any more, or
   * it failed.
   */
  finish(): boolean;
  stop(): void;
}

/** Numbers that a kernel is called with, at most. */
const MOST = 64;
/** What the threads tell each other: places in an array of integers. The first three are numbers of pieces of work. */
const GIVEN = 0;
/** By either thread, whichever was the first: so nobody waits for a thread that is gone or does not get a core. */
const TAKEN = 1;
const DONE = 2;
const KERNEL = 3;
const COUNT = 4;
const FAILED = 5;
/** Looks at one of these places before a thread sleeps: waking up takes longer than most kernels. */
const PATIENCE = 20_000;
/** The same of the second thread, which has more time on its hands. */
const PATIENCE_OF_SECOND = 20_000;

/** What the thread runs: it never returns from `serve`, and is ended from outside. */
const PROGRAM = `
function serve({ module, memory, control, numbers }, say) {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const kernels = WebAssembly.Module.exports(module).map(({ name }) => exports[name]);
  const state = new Int32Array(control);
  const given = new Float64Array(numbers);
  let idle = 1;
  say('ready');
  for (let job = 0; ; ) {
    for (let looks = 0; Atomics.load(state, ${GIVEN}) === job; looks++) {
      // Divisions that wait for one another: to look on and on would slow the other thread where both share a core.
      for (let k = 0; k < 16; k++) idle = 1 / (1 + idle);
      if (looks > ${PATIENCE_OF_SECOND}) Atomics.wait(state, ${GIVEN}, job);
    }
    job = Atomics.load(state, ${GIVEN});
    if (Atomics.compareExchange(state, ${TAKEN}, (job - 1) | 0, job) !== ((job - 1) | 0)) continue;
    try {
      kernels[state[${KERNEL}]](...given.subarray(0, state[${COUNT}]));
    } catch {
      state[${FAILED}] = 1;
    }
    Atomics.store(state, ${DONE}, job);
    Atomics.notify(state, ${DONE});
  }
}
if (typeof require === 'function') {
  const { parentPort } = require('node:worker_threads');
  parentPort.once('message', (data) => serve(data, (word) => parentPort.postMessage(word)));
} else {
  self.onmessage = ({ data }) => serve(data, (word) => self.postMessage(word));
}
`;

/**
 * Starts the thread.
 *
 * @param memory must be shared
 * @param limit milliseconds that it may take longer than ten times the other half does: after them it has died at work
 */
export async function startThread(module: WebAssembly.Module, memory: WebAssembly.Memory, limit = 30_000): Promise<Thread> {
  const control = new SharedArrayBuffer(4 * (FAILED + 1));
  const numbers = new SharedArrayBuffer(8 * MOST);
  const stop = await (inNode() ? startInNode : startInBrowser)({ module, memory, control, numbers });
  const names = WebAssembly.Module.exports(module).map(({ name }) => name);
  const state = new Int32Array(control);
  const given = new Float64Array(numbers);
  // Counts as 32-bit integers do, which start again below 0.
  let job = 0;
  let started = 0;
  let wasAwake = false;
  let isGone = false;
  const punctuality = watchPunctuality();
  /** Whether it is done by a time. */
  const isDoneBy = (end: number): boolean => {
    for (let looks = 1; Atomics.load(state, DONE) !== job; looks++) {
      if (looks % PATIENCE === 0) {
        if (performance.now() > end) {
          return false;
        }
        // A page may not sleep.
        if (inNode()) {
          Atomics.wait(state, DONE, (job - 1) | 0, limit);
        }
      }
    }
    return true;
  };
  return {
    keepsUp: () => !isGone && punctuality.keepsUp(),
    start: (name, values) => {
      started = performance.now();
      given.set(values);
      state[KERNEL] = names.indexOf(name);
      state[COUNT] = values.length;
      state[FAILED] = 0;
      job = (Atomics.add(state, GIVEN, 1) + 1) | 0;
      wasAwake = Atomics.notify(state, GIVEN) === 0;
    },
    finish: () => {
      const ready = performance.now();
      const work = ready - started;
      const before = (job - 1) | 0;
      if (Atomics.compareExchange(state, TAKEN, before, job) === before) {
        // To wake up may take longer than a small piece of work. One that was awake has lost its core.
        if (wasAwake) {
          punctuality.waited(Number.POSITIVE_INFINITY, 0);
        }
        Atomics.store(state, DONE, job);
        return false;
      }
      isGone = !isDoneBy(ready + limit + 10 * work);
      if (isGone) {
        stop();
        return false;
      }
      punctuality.waited(performance.now() - ready, work);
      return state[FAILED] === 0;
    },
    stop,
  };
}

type Start = (data: object) => Promise<() => void>;

const startInNode: Start = async (data) => {
  const { Worker } = (await importInNode('node:worker_threads')) as unknown as typeof import('node:worker_threads');
  const worker = new Worker(PROGRAM, { eval: true });
  // A program ends though the thread waits for work.
  worker.unref();
  worker.postMessage(data);
  await new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  return () => {
    void worker.terminate();
  };
};

const startInBrowser: Start = async (data) => {
  const address = URL.createObjectURL(new Blob([PROGRAM], { type: 'text/javascript' }));
  try {
    const worker = new Worker(address);
    await new Promise((resolve, reject) => {
      worker.onmessage = resolve;
      worker.onerror = ({ message }) => reject(new Error(message));
      worker.postMessage(data);
    });
    return () => worker.terminate();
  } finally {
    URL.revokeObjectURL(address);
  }
};
