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
  // What each pixel has more than the one to its left; one column more, for what is right of the last.
  const steps = new Float64Array(height * (width + 1));
  polygon.forEach((from, i) => {
    addEdge(steps, width, height, from, polygon[(i + 1) % polygon.length] as Point);
  });
  const covered = new Float64Array(height * width);
  for (let row = 0; row < height; row++) {
    let total = 0;
    for (let column = 0; column < width; column++) {
      total += steps[row * (width + 1) + column] as number;
      covered[row * width + column] = Math.min(1, Math.abs(total));
    }
  }
  return covered;
}

function addEdge(steps: Float64Array, width: number, height: number, from: Point, to: Point): void {
  const cuts = [0, ...crossings(from[0], to[0]), ...crossings(from[1], to[1]), 1].sort((a, b) => a - b);
  for (let i = 1; i < cuts.length; i++) {
    const [start, end] = [cuts[i - 1] as number, cuts[i] as number];
    const middle = (start + end) / 2;
    const x = from[0] + middle * (to[0] - from[0]);
    const y = from[1] + middle * (to[1] - from[1]);
    const dy = (end - start) * (to[1] - from[1]);
    const column = within(Math.floor(x), width);
    const at = within(Math.floor(y), height) * (width + 1) + column;
    const right = x - column;
    steps[at] = (steps[at] as number) + dy * (1 - right);
    steps[at + 1] = (steps[at + 1] as number) + dy * right;
  }
}

/** A piece on the lower or the right border belongs to the last pixel. */
const within = (index: number, size: number): number => Math.min(size - 1, Math.max(0, index));

/** Where the way from a to b, in parts of it, passes an integer. */
function crossings(a: number, b: number): number[] {
  const first = Math.floor(Math.min(a, b)) + 1;
  const count = Math.max(0, Math.ceil(Math.max(a, b)) - first);
  return Array.from({ length: count }, (_, i) => (first + i - a) / (b - a));
}
