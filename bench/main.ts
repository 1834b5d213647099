import { parseArgs } from 'node:util';
import { useBackend } from 'tfjs-flows/backends';
import { agrees } from './contract.js';
import { BRIEF, measure, PATIENT } from './measure.js';
import { WORKLOADS } from './workloads/index.js';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    backends: { type: 'string', default: 'wasm' },
    seconds: { type: 'string' },
    brief: { type: 'boolean', default: false },
  },
});
const patience = { ...(values.brief ? BRIEF : PATIENT), ...(values.seconds ? { seconds: Number(values.seconds) } : {}) };
const chosen = WORKLOADS.filter(({ name }) => values.only?.split(',').includes(name) ?? true);
for (const backend of values.backends.split(',')) {
  await useBackend([backend], { production: true });
  for (const { name, make } of chosen) {
    const workload = make();
    const checks = await workload.check(!values.brief);
    const times = await measure(workload.step, patience);
    workload.dispose();
    console.log(
      `${backend} ${name}: ${times.median.toFixed(2)} ms (least ${times.least.toFixed(2)}, ${times.runs} runs); ${checks
        .map((check) => `${check.what} ${check.got.toPrecision(6)}${agrees(check) ? '' : ` WRONG, should be ${check.expected}`}`)
        .join(', ')}`,
    );
  }
}
