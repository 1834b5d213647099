import { importInNode, inNode } from '../../core/node.js';
import { watchPunctuality } from './punctuality.js';

/** A second thread that runs the same kernels in the same memory. */
export interface Thread {
  /** Whether to give it work: see `watchPunctuality`. */
  keepsUp(): boolean;
  /** Lets it run an export, by its name; it must have finished the one before. */
  start(name: string, numbers: readonly number[]): void;
  /** Waits until it has finished. */
  finish(): void;
  stop(): void;
}

/** Numbers that a kernel is called with, at most. */
const MOST = 64;
/** What the threads tell each other: places in an array of integers. */
const GIVEN = 0;
const DONE = 1;
const KERNEL = 2;
const COUNT = 3;
const FAILED = 4;
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

/** Starts the thread. `memory` must be shared. */
export async function startThread(module: WebAssembly.Module, memory: WebAssembly.Memory): Promise<Thread> {
  const control = new SharedArrayBuffer(4 * (FAILED + 1));
  const numbers = new SharedArrayBuffer(8 * MOST);
  const stop = await (inNode() ? startInNode : startInBrowser)({ module, memory, control, numbers });
  const names = WebAssembly.Module.exports(module).map(({ name }) => name);
  const state = new Int32Array(control);
  const given = new Float64Array(numbers);
  // Counts as 32-bit integers do, which start again below 0.
  let job = 0;
  let started = 0;
  const punctuality = watchPunctuality();
  return {
    keepsUp: punctuality.keepsUp,
    start: (name, values) => {
      started = performance.now();
      given.set(values);
      state[KERNEL] = names.indexOf(name);
      state[COUNT] = values.length;
      job = (Atomics.add(state, GIVEN, 1) + 1) | 0;
      Atomics.notify(state, GIVEN);
    },
    finish: () => {
      const ready = performance.now();
      for (let looks = 0; Atomics.load(state, DONE) !== job; looks++) {
        // A page may not sleep.
        if (looks > PATIENCE && inNode()) {
          Atomics.wait(state, DONE, (job - 1) | 0);
        }
      }
      punctuality.waited(performance.now() - ready, ready - started);
      if (state[FAILED] === 1) {
        throw new Error('a kernel failed in the second thread');
      }
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
