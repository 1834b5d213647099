// Runs in a bare process or a worker: imports one entry, says what it exports and what the import changed. Prints JSON.
const { createRequire } = require('node:module');
const { isMainThread, parentPort, workerData } = require('node:worker_threads');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

async function probe({ app, entry, how }) {
  const seen = { natives: [], window: typeof globalThis.window };
  const dlopen = process.dlopen;
  process.dlopen = (module, file, ...rest) => {
    seen.natives.push(file);
    return dlopen.call(process, module, file, ...rest);
  };
  const load = createRequire(join(app, 'index.js'));
  // What TensorFlow.js itself does at import is not ours to answer for.
  const core = load('@tensorflow/tfjs-core');
  if (entry.endsWith('fast-check')) {
    await import(pathToFileURL(load.resolve('fast-check')).href);
  }
  const before = snapshot(core);
  const module = how === 'require' ? load(entry) : await importFrom(app, entry);
  const after = snapshot(core);
  return {
    ...seen,
    changed: Object.keys(after).filter((key) => after[key] !== before[key]),
    exports: Object.keys(module)
      .filter((key) => key !== 'default' && key !== 'module.exports')
      .sort(),
    after,
  };
}

/** A bare specifier in import() is looked up from the file that imports, so that file is made in the application. */
async function importFrom(app, entry) {
  const file = join(app, `import-${entry.replaceAll('/', '-')}-${process.pid}-${isMainThread ? 'main' : 'worker'}.mjs`);
  require('node:fs').writeFileSync(file, `export * from '${entry}';\n`);
  return import(pathToFileURL(file).href);
}

function snapshot(core) {
  const engine = core.engine();
  return {
    globals: Object.getOwnPropertyNames(globalThis).sort().join(),
    backends: Object.keys(engine.registryFactory).join(),
    backend: String(core.getBackend()),
    kernels: ['cpu', 'wasm', 'webgl', 'webgpu'].map((name) => core.getKernelsForBackend(name).length).join(),
    gradients: String(core.getGradient('Sum')),
    flags: JSON.stringify(core.env().getFlags()),
    tensors: core.memory === undefined ? '' : String(engine.state.numTensors),
    listeners: process.eventNames().map(String).sort().join(),
  };
}

const job = isMainThread ? JSON.parse(process.argv[2]) : workerData;
probe(job).then(
  (result) => (isMainThread ? console.log(JSON.stringify(result)) : parentPort.postMessage(result)),
  (error) => {
    console.error(error);
    process.exitCode = 1;
  },
);
