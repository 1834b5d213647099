import type { Plugin } from 'esbuild';

export const sourceAlias: Plugin;
