// This library, or TensorFlow.js by hand, on a backend of Chromium: webgl, or webgpu. Without a GPU a software one stands in, whose times
// mean nothing, while kernels and programs are counted.
import { build } from 'esbuild';
import { chromium } from 'playwright';
import { findChromium } from '../scripts/machine.mjs';
import { binaryDigits } from './digits.js';
import { readOrders } from './orders.js';

const implementation = process.env.BENCH_IMPLEMENTATION ?? 'tfjs-flows';
const orders = readOrders();
const FLAGS: Readonly<Record<string, string[]>> = {
  webgl: ['--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist'],
  webgpu: ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
};

const entries = ['backends', 'training', 'models', 'io', 'metrics', 'testing'];
const { outputFiles } = await build({
  entryPoints: ['bench/page.ts'],
  bundle: true,
  write: false,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  logLevel: 'error',
  alias: Object.fromEntries([
    ...entries.map((entry) => [`tfjs-flows/${entry}`, `./src/${entry}/index.ts`]),
    ['tfjs-flows', './src/index.ts'],
  ]),
  plugins: [
    {
      // A page reads no files, so they come with the program.
      name: 'digits as text',
      setup: ({ onResolve, onLoad }) => {
        onResolve({ filter: /digits\.js$/ }, () => ({ path: 'digits', namespace: 'text' }));
        onLoad({ filter: /.*/, namespace: 'text' }, () => ({
          contents: `const pixels = ${JSON.stringify(binaryDigits(20, 100).map(({ data }) => data.join('')))};
            export const binaryDigits = () => pixels.map((text) => ({ data: Float32Array.from(text, Number), shape: [100, 784] }));`,
        }));
      },
    },
  ],
});

const executablePath = findChromium();
const browser = await chromium.launch({
  ...(executablePath === undefined ? {} : { executablePath }),
  args: ['--no-sandbox', '--disable-dev-shm-usage', ...(FLAGS[orders.backend] ?? [])],
});
try {
  const page = await browser.newPage();
  page.on('console', (message) => console.log(message.text()));
  page.on('pageerror', (error) => console.error(error));
  // WebGPU wants a secure context, as localhost is.
  await page.route('http://localhost/**', (route) =>
    route.request().url().endsWith('.js')
      ? route.fulfill({ contentType: 'text/javascript', body: outputFiles[0]?.text ?? '' })
      : route.fulfill({ contentType: 'text/html', body: '<!doctype html><script type="module" src="/page.js"></script>' }),
  );
  await page.goto('http://localhost/');
  const name = `${implementation} ${orders.backend === 'webgpu' ? 'webgpu-chromium' : orders.backend}`;
  const given = [implementation, name, { ...orders, brief: true }].map((value) => JSON.stringify(value));
  await page.waitForFunction('globalThis.run !== undefined');
  await page.evaluate(`globalThis.run(${given.join(', ')})`);
} finally {
  await browser.close();
}
