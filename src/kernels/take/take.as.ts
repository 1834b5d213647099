// Rows of an array in another order, some of them left out, or 0 for some.

/** x [outer, size, inner] -> y [outer, count, inner], of which row j is row indices[j] of x, 0s where that is negative. */
export function take(x: usize, y: usize, outer: i32, size: i32, inner: i32, indices: usize, count: i32): void {
  const row = <usize>inner << 2;
  const whole = <usize>size * row;
  for (let o = 0; o < outer; o++) {
    for (let j = 0; j < count; j++) {
      const index = load<i32>(indices + (<usize>j << 2));
      if (inner === 1) {
        f32.store(y, index < 0 ? 0 : f32.load(x + (<usize>index << 2)));
      } else if (index < 0) {
        memory.fill(y, 0, row);
      } else {
        memory.copy(y, x + <usize>index * row, row);
      }
      y += row;
    }
    x += whole;
  }
}

/** Column j of x [rows, count] to column places[j] of y [rows, width]. */
export function put(x: usize, y: usize, rows: i32, width: i32, places: usize, count: i32): void {
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < count; j++) {
      f32.store(y + (<usize>load<i32>(places + (<usize>j << 2)) << 2), f32.load(x));
      x += 4;
    }
    y += <usize>width << 2;
  }
}

/** Sums of the rows of x [rows, count]. */
export function rowSums(x: usize, y: usize, rows: i32, count: i32): void {
  for (let r = 0; r < rows; r++) {
    let sum: f32 = 0;
    for (let j = 0; j < count; j++) {
      sum += f32.load(x);
      x += 4;
    }
    f32.store(y, sum);
    y += 4;
  }
}

/** Each number of x [rows] `count` times. */
export function spread(x: usize, y: usize, rows: i32, count: i32): void {
  for (let r = 0; r < rows; r++) {
    const value = f32.load(x);
    for (let j = 0; j < count; j++) {
      f32.store(y, value);
      y += 4;
    }
    x += 4;
  }
}

export function copy(x: usize, y: usize, size: i32): void {
  memory.copy(y, x, <usize>size << 2);
}

/** 0s. */
export function fill(y: usize, size: i32): void {
  memory.fill(y, 0, <usize>size << 2);
}
