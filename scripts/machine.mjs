// What this machine has for the backends that need more than Node: a Chromium, and a Vulkan driver that Dawn accepts.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
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

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
