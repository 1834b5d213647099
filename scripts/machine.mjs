// What this machine has for the backends that need more than Node: a Chromium, and a Vulkan driver that Dawn accepts.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

/** Path of a Chromium or Chrome, or undefined. `CHROMIUM_PATH` comes first. */
export function findChromium() {
  const named = process.env.CHROMIUM_PATH;
  if (named !== undefined && named !== '') {
    return isExecutable(named) ? named : undefined;
  }
  const folders = (process.env.PATH ?? '').split(delimiter);
  for (const program of ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']) {
    for (const folder of ['/usr/bin', ...folders]) {
      if (isExecutable(join(folder, program))) {
        return join(folder, program);
      }
    }
  }
  return undefined;
}

/** Path of the description of SwiftShader's Vulkan driver, which comes with Chromium, or undefined. */
export function findVulkanIcd() {
  const named = process.env.VK_ICD_FILENAMES;
  if (named !== undefined && named !== '') {
    return existsSync(named) ? named : undefined;
  }
  const chromium = findChromium();
  const folders = [
    '/usr/lib/chromium',
    '/usr/lib/chromium-browser',
    '/opt/google/chrome',
    ...(chromium ? [dirname(chromium)] : []),
  ];
  return folders.map((folder) => join(folder, 'vk_swiftshader_icd.json')).find((file) => existsSync(file));
}

/** Path of the Vulkan loader that Dawn opens, or undefined. */
export function findVulkanLoader() {
  const cache = spawnSync('/sbin/ldconfig', ['-p'], { encoding: 'utf8' }).stdout ?? '';
  const line = cache.split('\n').find((text) => text.includes('libvulkan.so.1'));
  if (line !== undefined) {
    return line.split('=>')[1]?.trim();
  }
  for (const folder of [
    '/usr/lib',
    '/usr/lib64',
    ...(existsSync('/usr/lib') ? readdirSync('/usr/lib') : []).map((f) => join('/usr/lib', f)),
  ]) {
    if (existsSync(join(folder, 'libvulkan.so.1'))) {
      return join(folder, 'libvulkan.so.1');
    }
  }
  return undefined;
}

/** What Dawn needs in the environment to find SwiftShader; what is set already stays. */
export function dawnEnvironment() {
  const icd = findVulkanIcd();
  return {
    ...(icd === undefined ? {} : { VK_ICD_FILENAMES: icd }),
    // SwiftShader asks Wayland for it and complains where it is missing.
    XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR || tmpdir(),
  };
}

/** Why WebGPU in Chromium and WebGL cannot run here, or undefined where they can. */
export function chromiumProblem() {
  const chromium = findChromium();
  if (chromium === undefined) {
    return 'no Chromium found; install one (Debian: apt-get install chromium) or name it in CHROMIUM_PATH';
  }
  const { status, stderr, error } = spawnSync(chromium, ['--version', '--no-sandbox'], { encoding: 'utf8', timeout: 60_000 });
  return status === 0 ? undefined : `${chromium} does not start: ${(error?.message ?? stderr).trim().split('\n')[0]}`;
}

/** Why WebGPU in Node cannot run here, or undefined where it can. */
export function dawnProblem() {
  if (process.platform === 'linux' && findVulkanLoader() === undefined) {
    return 'no Vulkan loader (libvulkan.so.1) found; install one (Debian: apt-get install libvulkan1)';
  }
  const probe = `
    const { create, globals } = await import('webgpu');
    Object.assign(globalThis, globals);
    const adapter = await create([]).requestAdapter();
    process.exit(adapter === null ? 3 : 0);`;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', probe], {
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, ...dawnEnvironment() },
    cwd: new URL('..', import.meta.url),
  });
  if (status === 0) {
    return undefined;
  }
  if (status === 3) {
    return 'Dawn found no graphics driver that it accepts; Chromium brings one (SwiftShader), or name one in VK_ICD_FILENAMES';
  }
  return `the npm package webgpu (Dawn) does not load: ${
    stderr
      .trim()
      .split('\n')
      .find((line) => /error/i.test(line)) ?? stderr.trim()
  }`;
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
