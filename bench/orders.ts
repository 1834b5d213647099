import { parseArgs } from 'node:util';
import type { Orders } from './runner.js';

/** From the command line. */
export function readOrders(): Orders {
  const { values } = parseArgs({
    options: {
      backend: { type: 'string', default: 'wasm' },
      threads: { type: 'string', default: '1' },
      only: { type: 'string', default: '' },
      brief: { type: 'boolean', default: false },
      seconds: { type: 'string' },
      limits: { type: 'boolean', default: false },
    },
  });
  return {
    ...values,
    threads: values.threads === '2' ? 2 : 1,
    only: values.only.split(',').filter((name) => name !== ''),
    seconds: values.seconds === undefined ? undefined : Number(values.seconds),
  };
}
