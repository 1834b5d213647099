// `npm run test:golden`: every case file of the folder GOLDEN_DIR on one backend (GOLDEN_BACKEND, default cpu), a line a file.
import { useBackend } from 'tfjs-flows/backends';
import { goldenFolder, readGoldenFiles } from './cases.js';
import { describeResult, runGolden } from './runGolden.js';

await useBackend([process.env.GOLDEN_BACKEND || 'cpu']);
const total = { passed: 0, failed: 0, pending: 0 };
for (const file of readGoldenFiles(goldenFolder())) {
  const result = await runGolden(file);
  console.log(describeResult(result));
  total.passed += result.passed;
  total.failed += result.failed;
  total.pending += result.pending;
}
console.log(`\n${total.pending} pending: whole cases, and parts of cases that passed otherwise`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
