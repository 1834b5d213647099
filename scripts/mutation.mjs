// The mutation check: Stryker's mutants and those of scripts/opMutants.mjs against the unit tests, the laws, the golden cases and, for
// kernels, what compares them with ops.
// All mutants of a file run in one process, since loading TensorFlow.js takes longer than most tests of one.
//
//   npm run test:mutation -- --file src/bijectors/planar.ts --only ops
//
// While working on a file, `--tests src/bijectors/planar.test.ts` saves the run that finds out which tests reach it; `--units`
// leaves the laws and the golden cases out.
//
// A mutant that changes nothing is explained by a line of test/mutation/equivalent.md and passed over; any other that survives is a
// failure, and so is a line that explains no mutant.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { commonTokens } from '@stryker-mutator/api/plugin';
import { createInstrumenter } from '@stryker-mutator/instrumenter';
import { createInjector } from 'typed-inject';
import { createVitest } from 'vitest/node';
import { noteReached, opMutants, withMutants } from './opMutants.mjs';

const FOLDERS = ['bijectors', 'dequantizers', 'distributions', 'metrics', 'objectives', 'transformers'];
/** The mathematics that they share. */
const CORE = ['math', 'root', 'sechSquared', 'select', 'sigmoidMap', 'softplusInverse', 'sumLogDerivative'].map(
  (name) => `src/core/${name}.ts`,
);
/** That of kernels. */
const KERNELS = [
  ...['affine', 'logDensity', 'logisticMixture', 'planar', 'spline', 'sylvester'].map((name) => `${name}/math`),
  'tanhFactor',
  'planar/planar.cpu',
  'sylvester/sylvester.cpu',
].map((name) => `src/kernels/${name}.ts`);
const root = fileURLToPath(new URL('..', import.meta.url));
const reports = join(root, 'reports/mutation');
const { values: options } = parseArgs({
  options: {
    file: { type: 'string', multiple: true },
    tests: { type: 'string', multiple: true },
    units: { type: 'boolean' },
    only: { type: 'string' },
  },
});
const files = options.file ?? sources();
const explained = readExplained();
mkdirSync(reports, { recursive: true });

/** What makes mutants; `--only` names one of them. */
const KINDS = { stryker: strykerMutants, ops: tensorMutants };

/** Milliseconds up to which a test belongs to a stage: the quick ones come first. */
const STAGES = [100, 1000, Number.POSITIVE_INFINITY];

const { tried, survivors, known } = await check(files);
const stale = [...explained].filter((line) => files.includes(line.split(': ')[0]) && !known.has(line));
writeFileSync(join(reports, 'survivors.json'), JSON.stringify(survivors, null, 2));
if (options.only === undefined) {
  stale.forEach((line) => console.log(`Explained, but there is no such mutant: ${line}`));
}
console.log(
  `\n${tried} mutants tried: ${tried - survivors.length} killed, ${survivors.length} alive and listed above;`,
  `${known.size} more change nothing, as test/mutation/equivalent.md explains`,
);
process.exit(survivors.length + (options.only === undefined ? stale.length : 0) === 0 ? 0 : 1);

function sources() {
  const found = FOLDERS.flatMap((folder) => readdirSync(join(root, 'src', folder)).map((name) => `src/${folder}/${name}`));
  return [...CORE, ...KERNELS, ...found.filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))];
}

/** Stryker's mutants of a source: { text, mutants }, numbered as in the text. */
async function strykerMutants(path, text) {
  const logger = { debug: () => {}, info: () => {}, isDebugEnabled: () => false };
  const instrumenter = createInstrumenter(createInjector().provideValue(commonTokens.logger, logger));
  // Strings are names and the words of errors; tests compare many of them, but not every word.
  const mutator = { plugins: null, ignorers: [], excludedMutations: ['StringLiteral'] };
  const { files: instrumented, mutants } = await instrumenter.instrument([{ name: path, content: text, mutate: true }], mutator);
  return {
    text: instrumented[0].content,
    mutants: mutants.map(({ location, replacement, status }) => {
      const [start, end] = [offset(text, location.start), offset(text, location.end)];
      return { start, end, replacement, ignored: status === 'Ignored' };
    }),
  };
}

/** Mutants of tensor arithmetic, likewise. */
function tensorMutants(_, text) {
  const mutants = opMutants(text);
  return { text: withMutants(text, mutants), mutants };
}

function offset(text, { line, column }) {
  const before = text.split('\n').slice(0, line);
  return before.reduce((sum, { length }) => sum + length + 1, column);
}

/** The lines that a mutant touches, before and after. */
function change(text, { start, end, replacement }) {
  const from = text.lastIndexOf('\n', start - 1) + 1;
  const to = text.indexOf('\n', end);
  return {
    before: squeeze(text.slice(from, to)),
    after: squeeze(`${text.slice(from, start)}${replacement}${text.slice(end, to)}`),
  };
}

/** Tries the mutants of these files that are not explained on the tests that reach them; tells those that live, and the lines explained. */
async function check(mutated) {
  const texts = new Map(mutated.map((file) => [join(root, file), readFileSync(join(root, file), 'utf8')]));
  /** What stands for a source at the moment. */
  let served = new Map([...texts].map(([path, text]) => [path, noteReached(text, path)]));
  const vitest = await createVitest(
    'test',
    { config: join(root, 'vitest.mutation.config.ts'), watch: false, reporters: [{}], onConsoleLog: () => false },
    { plugins: [{ name: 'mutant', enforce: 'pre', transform: (_, id) => served.get(id) }] },
  );
  const tests = options.tests === undefined ? await passing(vitest) : [];

  const survivors = [];
  const known = new Set();
  let tried = 0;
  for (const [path, text] of texts) {
    const stages = stagesOf(path, tests);
    for (const [kind, make] of Object.entries(KINDS)) {
      if (options.only !== undefined && options.only !== kind) {
        continue;
      }
      const { text: instrumented, mutants } = await make(path, text);
      served = new Map([[path, instrumented]]);
      texts.forEach((_, other) => vitest.invalidateFile(other));
      const described = mutants.map((mutant) => ({ kind, file: relative(root, path), ...change(text, mutant) }));
      const counted = [...mutants.keys()].filter((number) => !mutants[number].ignored);
      counted.map((number) => key(described[number])).forEach((line) => explained.has(line) && known.add(line));
      const numbers = counted.filter((number) => !explained.has(key(described[number])));
      let left = numbers;
      for (const { modules, names } of stages) {
        vitest.setGlobalTestNamePattern(names);
        left = left.length === 0 ? left : await surviving(vitest, left, modules);
      }
      console.log(`${kind.padEnd(8)} ${relative(root, path)}: ${numbers.length - left.length} of ${numbers.length} killed`);
      left.forEach((number) => console.log(`- ${key(described[number])}: `));
      tried += numbers.length;
      survivors.push(...left.map((number) => described[number]));
    }
  }
  await vitest.close();
  return { tried, survivors, known };
}

/** What to run, in this order: the quick tests before the slow ones, and among these the file's own first, for they find most. */
function stagesOf(path, tests) {
  if (options.tests !== undefined) {
    return [{ modules: options.tests.map((name) => join(root, name)), names: /(?:)/ }];
  }
  const reaching = tests.filter((test) => test.meta().reached?.includes(path));
  const isOwn = (test) => test.module.moduleId === path.replace(/\.ts$/, '.test.ts');
  const stages = STAGES.flatMap((most, i) => {
    const group = reaching.filter((test) => durationOf(test) <= most && durationOf(test) > (STAGES[i - 1] ?? -1));
    return [group.filter(isOwn), group.filter((test) => !isOwn(test))];
  });
  return stages
    .filter(({ length }) => length > 0)
    .map((group) => ({
      modules: [...new Set(group.map((test) => test.module.moduleId))],
      names: new RegExp(group.map((test) => `^${escape(patternName(test))}$`).join('|')),
    }));
}

/** Every test that passes without a mutant; each tells which files it reaches. */
async function passing(vitest) {
  const { testModules } = await vitest.runTestSpecifications(
    (await vitest.globTestSpecifications()).filter(({ moduleId }) => !options.units || moduleId.startsWith(join(root, 'src'))),
  );
  const failed = testModules.filter((module) => !module.ok()).map((module) => module.relativeModuleId);
  if (failed.length > 0) {
    console.log(`Failures without any mutant, which prove nothing and are left out: ${failed.join(', ')}`);
  }
  return testModules.flatMap((module) => [...module.children.allTests()]).filter((test) => test.result().state === 'passed');
}

/** Those of the mutants that the tests of these modules let live: a file of tests for each, all in one process. */
async function surviving(vitest, numbers, modules) {
  // A new folder each time: vitest remembers what it has read.
  const folder = mkdtempSync(join(reports, 'mutants-'));
  const imports = modules.map((module) => `await import(${JSON.stringify(module)});\n`).join('');
  const paths = numbers.map((number) => join(folder, `${number}.test.ts`));
  paths.forEach((path, i) => {
    writeFileSync(path, `import { activate } from '../../../test/mutation/activate.js';\nactivate(${numbers[i]});\n${imports}`);
  });
  const { testModules } = await vitest.runTestSpecifications(paths.map((path) => vitest.projects[0].createSpecification(path)));
  const alive = new Set(testModules.filter((module) => module.ok()).map(({ moduleId }) => moduleId));
  rmSync(folder, { recursive: true });
  return numbers.filter((_, i) => alive.has(paths[i]));
}

function durationOf(test) {
  return test.diagnostic().duration;
}

/** A test's name as vitest's pattern of names sees it. */
function patternName(test) {
  return test.parent.type === 'module' ? test.name : `${patternName(test.parent)} ${test.name}`;
}

/** The lines of equivalent.md. */
function readExplained() {
  const text = readFileSync(join(root, 'test/mutation/equivalent.md'), 'utf8');
  return new Set([...text.matchAll(/^- (\S+): (`.+?` -> `.+?`): ./gm)].map(([, file, lines]) => `${file}: ${lines}`));
}

/** How a line of equivalent.md begins. */
function key({ file, before, after }) {
  return `${file}: \`${before}\` -> \`${after}\``;
}

function squeeze(text) {
  return text.replace(/\s+/g, ' ').trim();
}

function escape(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
