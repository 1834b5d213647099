// The mutation check: Stryker's mutants and those of scripts/opMutants.mjs, file by file, against the unit tests and the laws.
//
//   npm run test:mutation -- --file src/bijectors/planar.ts --only ops
//
// A mutant that survives and changes nothing is explained by a line of test/mutation/equivalent.md; any other is a failure.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createVitest } from 'vitest/node';
import { applyMutant, noteReached, opMutants } from './opMutants.mjs';

const FOLDERS = ['bijectors', 'transformers', 'distributions', 'objectives'];
const root = fileURLToPath(new URL('..', import.meta.url));
const reports = join(root, 'reports/mutation');
const { values: options } = parseArgs({
  options: { file: { type: 'string', multiple: true }, only: { type: 'string' } },
});
const files = options.file ?? sources();
const explained = readExplained();
mkdirSync(reports, { recursive: true });

const survivors = [...(options.only === 'ops' ? [] : stryker(files)), ...(options.only === 'stryker' ? [] : await ops(files))];
const open = survivors.filter((mutant) => !explained.has(key(mutant)));
writeFileSync(join(reports, 'survivors.json'), JSON.stringify(survivors, null, 2));
console.log(`\n${survivors.length - open.length} survivors explained in test/mutation/equivalent.md, ${open.length} not:`);
open.forEach((mutant) => console.log(`- ${key(mutant)}: `));
process.exit(open.length === 0 ? 0 : 1);

function sources() {
  return FOLDERS.flatMap((folder) => readdirSync(join(root, 'src', folder)).map((name) => `src/${folder}/${name}`)).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
  );
}

/** Stryker on all files at once; its survivors. */
function stryker(mutated) {
  const bin = join(root, 'node_modules/@stryker-mutator/core/bin/stryker.js');
  const { status } = spawnSync(process.execPath, [bin, 'run', '--mutate', mutated.join(',')], { cwd: root, stdio: 'inherit' });
  if (status !== 0) {
    throw new Error(`Stryker ended with ${status}`);
  }
  const report = JSON.parse(readFileSync(join(reports, 'stryker.json'), 'utf8'));
  return Object.entries(report.files).flatMap(([file, { source, mutants }]) => {
    const lost = mutants.filter(({ status: outcome }) => outcome === 'Survived' || outcome === 'NoCoverage');
    const tried = mutants.filter(({ status: outcome }) => outcome !== 'Ignored').length;
    console.log(`stryker  ${file}: ${tried - lost.length} of ${tried} killed`);
    return lost.map(({ location, replacement }) => {
      const [start, end] = [offset(source, location.start), offset(source, location.end)];
      return { file, line: location.start.line, ...change(source, { start, end, replacement }) };
    });
  });
}

function offset(text, { line, column }) {
  const before = text.split('\n').slice(0, line - 1);
  return before.reduce((sum, { length }) => sum + length + 1, column - 1);
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

/** Mutants of tensor arithmetic, against the tests that reach their file; the survivors. */
async function ops(mutated) {
  const texts = new Map(mutated.map((file) => [join(root, file), readFileSync(join(root, file), 'utf8')]));
  /** What stands for a source at the moment. */
  let served = new Map([...texts].map(([path, text]) => [path, noteReached(text, path)]));
  const vitest = await createVitest(
    'test',
    { config: join(root, 'vitest.mutation.config.ts'), watch: false, reporters: [{}], onConsoleLog: () => false },
    { plugins: [{ name: 'mutant', enforce: 'pre', transform: (_, id) => served.get(id) }] },
  );
  const all = await vitest.globTestSpecifications();
  const run = async (specifications, bail) => {
    vitest.state.filesMap.clear();
    for (const { config } of [vitest, ...vitest.projects]) {
      config.bail = bail;
    }
    return vitest.runTestSpecifications(specifications);
  };

  const unharmed = (await run(all, 0)).testModules;
  const tests = unharmed.flatMap((module) => [...module.children.allTests()]);
  const failing = tests.filter((test) => test.result().state === 'failed');
  if (failing.length > 0 || unharmed.some((module) => !module.ok())) {
    const names = unharmed.filter((module) => !module.ok()).map((module) => module.relativeModuleId);
    console.log(`Failures without any mutant, which prove nothing and are left out: ${names.join(', ')}`);
  }

  const survived = [];
  for (const [path, text] of texts) {
    const file = relative(root, path);
    const reaching = tests.filter((test) => test.result().state === 'passed' && test.meta().reached?.includes(path));
    const names = reaching.map((test) => `^${escape(patternName(test))}$`);
    const modules = new Set(reaching.map((test) => test.module.moduleId));
    // The file's own tests by themselves first: they find most, and soon.
    const own = (specification) => specification.moduleId === path.replace(/\.ts$/, '.test.ts');
    const reach = all.filter(({ moduleId }) => modules.has(moduleId));
    const stages = [reach.filter(own), reach.filter((specification) => !own(specification))].filter(({ length }) => length > 0);
    vitest.setGlobalTestNamePattern(new RegExp(names.join('|')));
    const mutants = opMutants(text);
    let killed = 0;
    for (const mutant of mutants) {
      served = new Map([[path, applyMutant(text, mutant)]]);
      texts.forEach((_, other) => vitest.invalidateFile(other));
      let dead = false;
      for (const stage of stages) {
        if (!dead) {
          const { testModules, unhandledErrors } = await run(stage, 1);
          dead = testModules.some((module) => !module.ok()) || unhandledErrors.length > 0;
        }
      }
      if (dead) {
        killed += 1;
      } else {
        survived.push({ file, line: mutant.line, ...change(text, mutant) });
        console.log(`  survived ${file}:${mutant.line}  ${squeeze(mutant.original)} -> ${squeeze(mutant.replacement)}`);
      }
    }
    console.log(`ops      ${file}: ${killed} of ${mutants.length} killed, ${names.length} tests reach it`);
  }
  await vitest.close();
  return survived;
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
