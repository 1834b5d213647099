// Packs the library and unpacks it into an application of its own, as an installation would, without a network.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Folder of an application with the tarball's contents as node_modules/tfjs-flows, its files, and `withPeers`, which makes
 * such an application with further packages beside it.
 */
export function packedApplication({ build = true } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'tfjs-flows-package-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  // The build prints to the same stream as the list of files, and the list comes last.
  if (build) {
    execFileSync('npm', ['run', '--silent', 'build', '--', '--silent'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  }
  const printed = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const packed = JSON.parse(printed);
  const [tarball] = Array.isArray(packed) ? packed : Object.values(packed);
  execFileSync('tar', ['-xzf', join(folder, tarball.filename), '-C', folder]);

  const withPeers = (name, peers) => {
    const app = join(folder, name);
    mkdirSync(join(app, 'node_modules'), { recursive: true });
    writeFileSync(join(app, 'package.json'), '{ "private": true }\n');
    cpSync(join(folder, 'package'), join(app, 'node_modules/tfjs-flows'), { recursive: true });
    for (const peer of peers) {
      const place = join(app, 'node_modules', peer);
      mkdirSync(dirname(place), { recursive: true });
      symlinkSync(join(root, 'node_modules', peer), place, 'dir');
    }
    return app;
  };
  const manifest = JSON.parse(readFileSync(join(folder, 'package/package.json'), 'utf8'));
  const has = (file) => existsSync(join(folder, 'package', file));
  return { files: tarball.files.map(({ path }) => path), size: tarball.size, manifest, has, withPeers };
}
