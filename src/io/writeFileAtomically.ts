import { nodeModules } from './node.js';

/**
 * Writes a file whole or not at all: to a temporary file beside it, flushed to disk, then renamed over it. Where anything
 * fails the old file is as it was and the temporary one is gone.
 *
 * @throws with the system's error as `cause`.
 */
export async function writeFileAtomically(where: string, path: string, bytes: Uint8Array): Promise<void> {
  const { files, paths } = await nodeModules(where);
  // Through a symbolic link, the file that it points to.
  const target = await files.realpath(path).catch(() => path);
  const temporary = `${target}.${process.pid}-${Math.random().toString(36).slice(2)}.tmp`;
  try {
    const file = await files.open(temporary, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await files.rename(temporary, target);
  } catch (cause) {
    await files.rm(temporary, { force: true }).catch(() => undefined);
    throw new Error(`${where}: could not write '${path}': ${(cause as Error).message}`, { cause });
  }
  // The rename itself survives a power cut once the folder is flushed; not every system can, and the file is good anyway.
  const folder = await files.open(paths.dirname(target)).catch(() => undefined);
  await folder?.sync().catch(() => undefined);
  await folder?.close();
}
