import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { encode } from 'fast-png';
import type { Picture } from './picture.js';

/** Writes a picture as a PNG file, and the folders on the way to it. */
export function writePng(path: string, { width, height, rgb }: Picture): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, encode({ width, height, data: rgb, channels: 3, depth: 8 }));
}
