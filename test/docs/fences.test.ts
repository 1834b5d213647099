// The check of the examples can fail: each kind of wrong example is found, and where.
import { describe, expect, it } from 'vitest';
import type { Fence } from './fences.js';
import { bundle, extractFences, prepare, typeCheck } from './fences.js';

const page = (body: string, info = 'ts'): Fence =>
  extractFences('page.md', `Text\n\n\`\`\`${info}\n${body}\n\`\`\`\n`)[0] as Fence;

async function outcome(fence: Fence): Promise<string[]> {
  const runner = await bundle([fence]);
  try {
    return await runner.run(fence);
  } finally {
    runner.dispose();
  }
}

describe('extractFences', () => {
  it('finds fences by line, in text, in lists and in doc comments', () => {
    const text = 'A\n```ts\nconst a = 1;\n```\n```sh\nls\n```\n- b\n  ```ts no-run needs a page\n  const b = 2;\n  ```\n';
    const found = extractFences('page.md', text);
    expect(found.map(({ line, noRun }) => [line, noRun])).toEqual([
      [2, undefined],
      [9, 'needs a page'],
    ]);
    expect(found[1]?.code.split('\n')[9]).toBe('const b = 2;');
    const comment = extractFences('src/x.ts', '/**\n * ```ts\n * if (true) {\n *   f();\n * }\n * ```\n */\n');
    expect(comment[0]?.code).toBe('\n\nif (true) {\n  f();\n}\n');
  });

  it.each([
    ['a fence that stays open', '```ts\nconst a = 1;\n', /page\.md:1: the fence is not closed/],
    ['a fence that no check looks at', '\n```js\nconst a = 1;\n```\n', /page\.md:2: a fence of 'js' is not checked/],
    ['no-run without a reason', '```ts no-run\nconst a = 1;\n```\n', /page\.md:1: after 'ts' stands nothing/],
  ])('refuses %s', (_, text, message) => {
    expect(() => extractFences('page.md', text)).toThrow(message);
  });
});

describe('prepare', () => {
  it.each([
    [
      'a promise by no console.log',
      page('const a = 1; // => 1'),
      "page.md:4: '// =>' stands by no console.log, so nothing would compare it",
    ],
    [
      'a promise that is not run',
      page('console.log(1); // => 1', 'ts no-run no page'),
      'page.md:4: a fence that does not run cannot promise what it prints',
    ],
  ])('finds %s', (_, fence, message) => {
    expect(prepare(fence).problems).toEqual([message]);
  });
});

describe('typeCheck', () => {
  it('finds type errors, and knows the names of the library', () => {
    const wrong = page("import { planar } from 'tfjs-flows';\n\nplanar({ dim: 'two' });");
    const right = page("import { planar } from 'tfjs-flows';\n\nawait null;\nplanar({ dim: 2 });");
    const result = typeCheck([{ ...right, file: 'right.md' }, wrong]);
    expect([...result.values()]).toEqual([[], [expect.stringMatching(/^page\.md:6: Type 'string' is not assignable/)]]);
  });

  it('knows no name that is not exported', () => {
    const fence = page("import { planer } from 'tfjs-flows';\nplaner();");
    expect(typeCheck([fence]).get(fence)?.[0]).toMatch(/^page\.md:4: .*planer/);
  });
});

describe('run', () => {
  it('is content where what is printed is what is promised', async () => {
    const body = [
      "import { createRng } from 'tfjs-flows';",
      'console.log(await Promise.resolve([1, 2]), createRng(1).bits(2).length); // => [ 1, 2 ] 2',
      'console.log(',
      "  'several lines',",
      '); // => several lines',
      'for (const i of [1, 2]) {',
      '  console.log(`${i}\\n.`); // => 1',
      '  // => .',
      '  // => 2',
      '  // => .',
      '}',
      'console.log();',
    ];
    expect(await outcome(page(body.join('\n')))).toEqual([]);
  });

  it.each([
    ['another value', 'console.log(1 + 1); // => 3', "page.md:4: promises '3', but prints '2'"],
    ['a value too many', 'for (const i of [1, 2]) console.log(i); // => 1', "page.md:4: promises '1', but prints '1\n2'"],
    ['nothing printed', '\nif (false) console.log(1); // => 1', "page.md:5: promises '1', but prints nothing"],
    ['an error', "\n\nthrow new Error('no');", 'page.md:6: throws Error: no'],
    [
      'an error of the library',
      "import { planar } from 'tfjs-flows';\n\nplanar({ dim: 0 });",
      'page.md:6: throws Error: planar: options.dim should be a positive integer, but got 0.',
    ],
  ])('finds %s', async (_, body, message) => {
    expect(await outcome(page(body))).toEqual([message]);
  });
});
