import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as library from 'tfjs-flows';

/** Whether the library exports a component: 'radial' from its root, 'metrics/mig' from its entry `tfjs-flows/metrics`. */
export function isExported(component: string): boolean {
  const [entry, name] = component.includes('/') ? (component.split('/') as [string, string]) : ['', component];
  if (entry === '') {
    return name in library;
  }
  const index = join(process.cwd(), 'src', entry, 'index.ts');
  return existsSync(index) && new RegExp(`\\b${name}\\b`).test(readFileSync(index, 'utf8'));
}
