// The half of `npm run test:mutation` that knows the operators of the language; scripts/opMutants.mjs is the other.
/** @type {import('@stryker-mutator/api/core').PartialStrykerOptions} */
export default {
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner'],
  vitest: { configFile: 'vitest.mutation.config.ts', related: false },
  coverageAnalysis: 'perTest',
  // Such mutants would each be run against every test; the other half has the numbers and operators of module constants.
  ignoreStatic: true,
  concurrency: Number(process.env.MUTATION_WORKERS ?? 1),
  // What is asked for is that no mutant survives that changes a value, a sign or a term. Strings are names and the words of
  // errors; tests compare many of them, but not every word.
  mutator: { excludedMutations: ['StringLiteral'] },
  reporters: ['progress-append-only', 'json', 'html', 'clear-text'],
  clearTextReporter: { logTests: false, reportTests: false, allowColor: false, reportScoreTable: false },
  jsonReporter: { fileName: 'reports/mutation/stryker.json' },
  htmlReporter: { fileName: 'reports/mutation/stryker.html' },
  tempDirName: '.stryker-tmp',
  ignorePatterns: ['dist', 'docs', 'out', 'reports', 'coverage'],
  timeoutMS: 20_000,
  disableTypeChecks: false,
};
