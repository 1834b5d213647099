/** All combinations of levels, as rows; the last factor changes fastest. */
export function gridOf(...sizes: readonly number[]): number[][] {
  return sizes.reduce<number[][]>(
    (rows, size) => rows.flatMap((row) => Array.from({ length: size }, (_, level) => [...row, level])),
    [[]],
  );
}

/** The rows turned by 45 degrees in the plane of their first two entries. */
export function turned(rows: readonly (readonly number[])[]): number[][] {
  return rows.map(([a, b, ...rest]) => [(a as number) + (b as number), (a as number) - (b as number), ...rest]);
}

/** What every metric refuses, by the end of the message. */
export const BAD_TABLES: readonly (readonly [what: string, tables: Record<string, unknown>, message: string])[] = [
  [
    'no codes',
    { factors: [[0], [1]] },
    'options.codes should be a tensor of shape [N, columns], or rows of equally many numbers, but got nothing.',
  ],
  [
    'ragged rows',
    { codes: [[0, 1], [1]], factors: [[0], [1]] },
    'options.codes should be a tensor of shape [N, columns], or rows of equally many numbers, but got [[0,1],[1]].',
  ],
  [
    'no rows',
    { codes: [], factors: [] },
    'options.codes should be a tensor of shape [N, columns], or rows of equally many numbers, but got [].',
  ],
  [
    'another N',
    { codes: [[0], [1], [2]], factors: [[0], [1]] },
    'the number of rows of options.factors should be 3, as options.codes has, but got 2.',
  ],
  [
    'NaN',
    {
      codes: [
        [0, 1],
        [1, Number.NaN],
      ],
      factors: [[0], [1]],
    },
    'options.codes[1][1] should be a finite number, but got NaN.',
  ],
  [
    'a fraction',
    {
      codes: [[0], [1]],
      factors: [
        [0, 1],
        [1, 0.5],
      ],
    },
    'options.factors[1][1] should be an integer, but got 0.5.',
  ],
  [
    'a constant factor',
    {
      codes: [[0], [1]],
      factors: [
        [0, 3],
        [1, 3],
      ],
    },
    'column 1 of options.factors should vary, but is 3 everywhere.',
  ],
  ['an unknown option', { code: [[0]], factors: [[0], [1]] }, "unknown option 'code'; the options are codes, factors"],
];
