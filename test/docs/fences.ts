// The examples of the documentation: found, type-checked, run, and what they print compared with what they promise.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { format } from 'node:util';
import { build } from 'esbuild';
import ts from 'typescript';
import { sourceAlias } from '../../scripts/bundle.mjs';

/** The root of the repository. */
export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url));

/** One ```ts fence. */
export interface Fence {
  /** Path from the root. */
  readonly file: string;
  /** Line of the opening fence, from 1. */
  readonly line: number;
  /** As many empty lines as stand before it in its file, then its text: lines keep their numbers. */
  readonly code: string;
  /** Why it is only type-checked; nothing where it runs. */
  readonly noRun: string | undefined;
}

/** README and the like, the pages of docs/, and the doc comments of src/. */
export function documentedFiles(): string[] {
  const under = (folder: string, ending: string): string[] =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith(ending) && !file.endsWith('.test.ts') && !file.startsWith('api/'))
      .map((file) => `${folder}/${file}`);
  const pages = readdirSync(ROOT).filter((file) => file.endsWith('.md'));
  return [...pages, ...under('docs', '.md'), ...under('src', '.ts')].sort();
}

/** The fences of a file on disk. */
export function readFences(file: string): Fence[] {
  return extractFences(file, readFileSync(join(ROOT, file), 'utf8'));
}

/**
 * The fences of a Markdown text, or of the doc comments of a TypeScript one.
 *
 * @throws where a fence is not closed, or is JavaScript under another name than `ts`, which no check would look at.
 */
export function extractFences(file: string, text: string): Fence[] {
  const inComments = file.endsWith('.ts');
  const fences: Fence[] = [];
  let open: { indent: string; marks: string; info: string; line: number; body: string[] } | undefined;
  text.split('\n').forEach((raw, i) => {
    const line = inComments ? commentLine(raw) : raw;
    const mark = line === undefined ? null : /^(\s*)(`{3,})\s*(.*)$/.exec(line);
    if (open === undefined) {
      if (mark !== null) {
        open = { indent: mark[1] as string, marks: mark[2] as string, info: (mark[3] as string).trim(), line: i + 1, body: [] };
      }
      return;
    }
    if (line === undefined) {
      throw new Error(`${file}:${open.line}: the fence is not closed within its comment.`);
    }
    if (mark === null || mark[2] !== open.marks || mark[3] !== '') {
      open.body.push(line.startsWith(open.indent) ? line.slice(open.indent.length) : line.trimStart());
      return;
    }
    const fence = fenceOf(file, open);
    if (fence !== undefined) {
      fences.push(fence);
    }
    open = undefined;
  });
  if (open !== undefined) {
    throw new Error(`${file}:${(open as { line: number }).line}: the fence is not closed.`);
  }
  return fences;
}

/** A line of a doc comment without its star; nothing for any other line. */
function commentLine(raw: string): string | undefined {
  return /^\s*\*(?!\/) ?(.*)$/.exec(raw)?.[1];
}

function fenceOf(file: string, open: { info: string; line: number; body: string[] }): Fence | undefined {
  const [language = '', ...rest] = open.info.split(/\s+/);
  const where = `${file}:${open.line}`;
  if (['typescript', 'tsx', 'js', 'javascript', 'mjs', 'jsx'].includes(language)) {
    throw new Error(`${where}: a fence of '${language}' is not checked; write it as 'ts'.`);
  }
  if (language !== 'ts') {
    return undefined;
  }
  const [mode, ...reason] = rest;
  if (mode !== undefined && (mode !== 'no-run' || reason.length === 0)) {
    throw new Error(`${where}: after 'ts' stands nothing, or 'no-run' and the reason, but got '${rest.join(' ')}'.`);
  }
  const code = `${'\n'.repeat(open.line)}${open.body.join('\n')}\n`;
  return { file, line: open.line, code, noRun: mode === undefined ? undefined : reason.join(' ') };
}

/** Type errors of all fences, strict, in one program, by fence: `file:line: text`. */
export function typeCheck(fences: readonly Fence[]): Map<Fence, string[]> {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  // A reader's program: strict, without what this repository asks of itself beyond that.
  const reader: ts.CompilerOptions = {
    ...options,
    noUncheckedIndexedAccess: false,
    noUnusedLocals: false,
    noUnusedParameters: false,
    isolatedDeclarations: false,
    declaration: false,
    moduleDetection: ts.ModuleDetectionKind.Force,
  };
  const texts = new Map(fences.map((fence) => [join(ROOT, `${fence.file}.${fence.line}.ts`), fence]));
  const host = ts.createCompilerHost(reader);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => texts.has(path) || fileExists(path);
  host.readFile = (path) => texts.get(path)?.code ?? readFile(path);
  host.getSourceFile = (path, version, ...rest) => {
    const fence = texts.get(path);
    return fence === undefined
      ? getSourceFile.call(host, path, version, ...rest)
      : ts.createSourceFile(path, fence.code, version);
  };
  const program = ts.createProgram([...texts.keys()], reader, host);
  return new Map(
    [...texts].map(([path, fence]) => {
      const source = program.getSourceFile(path) as ts.SourceFile;
      const problems = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
      return [fence, problems.map((problem) => `${fence.file}:${lineAt(source, problem.start ?? 0)}: ${flatten(problem)}`)];
    }),
  );
}

const flatten = (problem: ts.Diagnostic): string => ts.flattenDiagnosticMessageText(problem.messageText, '\n  ');

const lineAt = (source: ts.SourceFile, position: number): number => source.getLineAndCharacterOfPosition(position).line + 1;

/** What a `console.log` is to print, and the place of the call. */
interface Promised {
  readonly line: number;
  readonly text: string;
}

/** A fence made ready to run: its calls of `console.log` say where they stand. */
export interface Prepared {
  readonly code: string;
  readonly promises: readonly Promised[];
  /** Promises that nothing would compare. */
  readonly problems: readonly string[];
}

/**
 * Turns each `console.log(...)` into a call that also tells its line, and gathers what the comments promise: `// => text` at
 * the end of the call, and on lines of their own right below it for what is printed on more lines.
 */
export function prepare(fence: Fence): Prepared {
  const source = ts.createSourceFile('fence.ts', fence.code, ts.ScriptTarget.ES2022, true);
  const lines = fence.code.split('\n');
  const comment = (line: number): string | undefined => /\/\/ =>\s?(.*)$/.exec(lines[line - 1] ?? '')?.[1];
  const taken = new Set<number>();
  const promises: Promised[] = [];
  const edits: { at: number; end: number; text: string }[] = [];

  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && node.expression.getText(source) === 'console.log') {
      const line = lineAt(source, node.getStart(source));
      const last = lineAt(source, node.end);
      edits.push({
        at: node.expression.getStart(source),
        end: node.arguments.pos,
        text: `globalThis.${HOOK}(${line}${node.arguments.length > 0 ? ', ' : ''}`,
      });
      const promised: string[] = [];
      for (let at = last; ; at++) {
        const text = at === last || /^\s*\/\/ =>/.test(lines[at - 1] ?? '') ? comment(at) : undefined;
        if (text !== undefined) {
          taken.add(at);
          promised.push(text.trimEnd());
        }
        if (at > last && text === undefined) {
          break;
        }
      }
      if (promised.length > 0) {
        promises.push({ line, text: promised.join('\n') });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);

  const problems = lines.flatMap((_, i) =>
    comment(i + 1) !== undefined && !taken.has(i + 1)
      ? [`${fence.file}:${i + 1}: '// =>' stands by no console.log, so nothing would compare it`]
      : [],
  );
  if (fence.noRun !== undefined && promises.length > 0) {
    problems.push(`${fence.file}:${promises[0]?.line}: a fence that does not run cannot promise what it prints`);
  }
  const code = edits
    .sort((a, b) => b.at - a.at)
    .reduce((text, edit) => text.slice(0, edit.at) + edit.text + text.slice(edit.end), fence.code);
  return { code, promises, problems };
}

const HOOK = '__printedByFence';

/** Runs fences that `bundle` has made ready. */
export interface Runner {
  /** What went wrong, each `file:line: text`; empty where all that was promised was printed. */
  run(fence: Fence): Promise<string[]>;
  dispose(): void;
}

/** Bundles all fences at once, the library from its source, everything else left to Node. */
export async function bundle(fences: readonly Fence[]): Promise<Runner> {
  // Inside node_modules, so that Node finds the packages and vitest leaves the files alone.
  const cache = join(ROOT, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'fences-'));
  const prepared = new Map(fences.map((fence) => [fence, prepare(fence)]));
  await build({
    entryPoints: fences.map((_, i) => ({ in: `fence:${i}`, out: `fence${i}` })),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: 'linked',
    logLevel: 'silent',
    plugins: [
      {
        name: 'fences',
        setup: (each) => {
          each.onResolve({ filter: /^fence:/ }, ({ path }) => ({ path, namespace: 'fence' }));
          each.onLoad({ filter: /.*/, namespace: 'fence' }, ({ path }) => ({
            contents: prepared.get(fences[Number(path.slice('fence:'.length))] as Fence)?.code as string,
            loader: 'ts',
            resolveDir: ROOT,
          }));
        },
      },
      sourceAlias,
    ],
  });
  return {
    run: (fence) => run(fence, prepared.get(fence) as Prepared, join(folder, `fence${fences.indexOf(fence)}.mjs`)),
    dispose: () => rmSync(folder, { recursive: true }),
  };
}

async function run(fence: Fence, { promises }: Prepared, path: string): Promise<string[]> {
  const printed = new Map<number, string[]>();
  const home = process.cwd();
  const folder = mkdtempSync(join(tmpdir(), 'fence-'));
  const hook = (line: number, ...values: unknown[]): void => {
    printed.set(line, [...(printed.get(line) ?? []), format(...values)]);
  };
  Object.assign(globalThis, { [HOOK]: hook });
  process.chdir(folder); // what an example writes goes with its folder
  try {
    await import(pathToFileURL(path).href);
  } catch (error) {
    return [`${fence.file}:${thrownAt(error, path) ?? fence.line}: throws ${error}`];
  } finally {
    process.chdir(home);
    rmSync(folder, { recursive: true });
  }
  return promises.flatMap(({ line, text }) => {
    const got = printed
      .get(line)
      ?.join('\n')
      .split('\n')
      .map((each) => each.trimEnd())
      .join('\n');
    return got === text
      ? []
      : [`${fence.file}:${line}: promises '${text}', but ${got === undefined ? 'prints nothing' : `prints '${got}'`}`];
  });
}

/** The line of the document where the error passed through the fence. */
function thrownAt(error: unknown, path: string): number | undefined {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const map = new SourceMap(JSON.parse(readFileSync(`${path}.map`, 'utf8')));
  for (const [, line, column] of stack.matchAll(/fence\d+\.mjs:(\d+):(\d+)/g)) {
    const entry = map.findEntry(Number(line) - 1, Number(column) - 1);
    if ('originalLine' in entry && entry.originalSource.includes('fence:')) {
      return entry.originalLine + 1;
    }
  }
  return undefined;
}
