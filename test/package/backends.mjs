// useBackend from the packed library: in Node as ESM and CJS, with and without what it can fall back on, and in a bundle.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import vm from 'node:vm';
import { build } from 'esbuild';

const CORE = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-cpu'];

/** What every run does: choose, then a gradient through a planar flow. */
const body = (names, options = {}) => `
  const { name, failures } = await useBackend(${JSON.stringify(names)}, ${JSON.stringify(options)});
  const flow = planar({ dim: 2, rng: createRng(0) });
  const gradient = grad((x) => sum(flow.forwardAndLogDet(x)[0]))(tensor2d([[0.5, 1]]));
  console.log(JSON.stringify({ name, failures, finite: (await gradient.data()).every(Number.isFinite) }));`;

const IMPORTS = `
  import { grad, sum, tensor2d } from '@tensorflow/tfjs-core';
  import { createRng, planar } from 'tfjs-flows';
  import { useBackend } from 'tfjs-flows/backends';`;

const asModule = (names, options) => IMPORTS + body(names, options);

const asCommonJs = (names, options) => `
  const { grad, sum, tensor2d } = require('@tensorflow/tfjs-core');
  const { createRng, planar } = require('tfjs-flows');
  const { useBackend } = require('tfjs-flows/backends');
  (async () => {${body(names, options)}})();`;

export async function testBackends(check, packed, { dawn, dawnEnvironment }) {
  const layers = packed.withPeers('layers', [...CORE, '@tensorflow/tfjs-layers']);
  const whole = packed.withPeers('whole', [
    ...CORE,
    '@tensorflow/tfjs',
    '@tensorflow/tfjs-backend-wasm',
    '@tensorflow/tfjs-backend-webgpu',
    'webgpu',
  ]);
  const bare = packed.withPeers('core', CORE);

  const cases = [
    ['cpu, gradients by tfjs-layers', layers, ['cpu']],
    ['cpu, gradients by tfjs', whole, ['cpu']],
    ['wasm', whole, ['wasm']],
    ['wasm with two threads', whole, ['wasm'], undefined, { threads: 2 }],
    ['webgpu by Dawn', whole, ['webgpu'], dawn],
  ];
  for (const [title, app, names, problem, options] of cases) {
    for (const [kind, source] of [
      ['mjs', asModule(names, options)],
      ['cjs', asCommonJs(names, options)],
    ]) {
      if (problem !== undefined && !process.env.CI) {
        console.log(`skip  useBackend in ${kind}: ${title}: ${problem}`);
        continue;
      }
      await check(`useBackend in ${kind}: ${title}; the process ends by itself`, () => {
        const { name, finite } = JSON.parse(runFile(app, kind, source, dawnEnvironment).stdout.trim().split('\n').at(-1));
        return name === names[0] && finite ? undefined : `got ${name}, gradient finite: ${finite}`;
      });
    }
  }
  await check('useBackend says that gradients are missing where nothing brings them', () => {
    const { stderr } = runFile(bare, 'mjs', asModule(['cpu']), {}, 1);
    return stderr.includes("Import '@tensorflow/tfjs'") ? undefined : stderr;
  });
  await check('useBackend names the package that is missing', () => {
    const { failures } = JSON.parse(
      runFile(layers, 'mjs', asModule(['webgpu', 'wasm', 'cpu']), {})
        .stdout.trim()
        .split('\n')
        .at(-1),
    );
    const [webgpu, wasm] = failures.map(({ reason }) => reason);
    const said = /npm package webgpu/.test(webgpu) && /npm package @tensorflow\/tfjs-backend-wasm/.test(wasm);
    return said ? undefined : JSON.stringify(failures);
  });
  await check('a program that crashes after choosing wasm points to itself, not into the backend', () => {
    const { stderr } = runFile(whole, 'mjs', `${asModule(['wasm'])}\n  setTimeout(() => { throw new Error('mine'); });`, {}, 1);
    return stderr.includes('Error: mine') && !stderr.includes('tf-backend-wasm') ? undefined : stderr;
  });
  await check('useBackend in a bundle for browsers registers gradients by tfjs-core alone', () => bundled(bare));
}

function runFile(app, kind, source, env, expected = 0) {
  const file = join(app, `run.${kind}`);
  writeFileSync(file, source);
  const result = spawnSync(process.execPath, [file], {
    encoding: 'utf8',
    cwd: app,
    timeout: 120_000,
    env: { ...process.env, ...env },
  });
  if (result.status !== expected) {
    throw new Error(`exit ${result.status ?? result.signal}: ${result.stdout}${result.stderr}`);
  }
  return result;
}

/** The bundle runs where there is no `process`, as in a page or its worker; the backends that are not installed are left out of it. */
async function bundled(app) {
  const { outputFiles } = await build({
    stdin: { contents: `${IMPORTS} globalThis.done = (async () => {${body(['cpu'])}})();`, resolveDir: app },
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    mainFields: ['module', 'browser', 'main'],
    logLevel: 'error',
  });
  const printed = [];
  const console = { log: (text) => printed.push(text), warn: () => {} };
  const page = vm.createContext({ console, performance, setTimeout, clearTimeout, queueMicrotask, TextEncoder, TextDecoder });
  // TensorFlow.js takes this for a worker of a browser.
  page.self = page;
  page.WorkerGlobalScope = Object;
  vm.runInContext(outputFiles[0].text, page);
  await page.done;
  const { name, finite } = JSON.parse(printed[0]);
  return name === 'cpu' && finite ? undefined : printed.join('\n');
}
