/** A corner: x to the right, y down, in pixels from the upper left corner of the image. */
export type Point = readonly [x: number, y: number];

/**
 * The part of each pixel, between 0 and 1, that lies inside a polygon: exact, [height * width] row by row.
 *
 * The polygon has to lie within the image and must not cross itself; its orientation does not matter. Each edge is cut at the pixels'
 * borders; a piece with extent dy covers dy of everything to its right, and of its own pixel what is right of its middle. The sum over
 * all pieces, from the left to each pixel, is what the polygon covers.
 */
export function coverageOf(polygon: readonly Point[], width: number, height: number): Float64Array {
  // What each pixel has more than the one to its left.
  const steps = Array.from({ length: height }, () => new Float64Array(width));
  polygon.forEach((from, i) => {
    addEdge(steps, from, polygon[(i + 1) % polygon.length] as Point);
  });
  const covered = new Float64Array(height * width);
  steps.forEach((row, y) => {
    let total = 0;
    row.forEach((step, x) => {
      total += step;
      covered[y * width + x] = Math.abs(total);
    });
  });
  return covered;
}

function addEdge(steps: readonly Float64Array[], from: Point, to: Point): void {
  const cuts = [0, ...crossings(from[0], to[0]), ...crossings(from[1], to[1]), 1].sort((a, b) => a - b);
  cuts.slice(1).forEach((end, i) => {
    const start = cuts[i] as number;
    const middle = (start + end) / 2;
    const x = from[0] + middle * (to[0] - from[0]);
    const dy = (end - start) * (to[1] - from[1]);
    const row = steps[Math.floor(from[1] + middle * (to[1] - from[1]))];
    // A piece along the lower border, or beyond a border by rounding, has no place and nothing to add.
    if (row !== undefined) {
      const column = Math.floor(x);
      const right = x - column;
      row[column] = (row[column] as number) + dy * (1 - right);
      row[column + 1] = (row[column + 1] as number) + dy * right;
    }
  });
}

/** Where the way from a to b, in parts of it, passes an integer. */
function crossings(a: number, b: number): number[] {
  const first = Math.floor(Math.min(a, b)) + 1;
  const count = Math.max(0, Math.ceil(Math.max(a, b)) - first);
  return Array.from({ length: count }, (_, i) => (first + i - a) / (b - a));
}
