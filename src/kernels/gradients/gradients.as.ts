// What gradients of TensorFlow.js's ops need and its WASM backend lacks.

/** Pixels of images [B, H, W, C] under one weight of a kernel: out [B, OH, OW, C], of which (y, x) is (y sh + y0, x sw + x0), or 0s. */
export function patches(
  x: usize, out: usize, B: i32, H: i32, W: i32, C: i32, OH: i32, OW: i32, sh: i32, sw: i32, y0: i32, x0: i32,
): void {
  const pixel = <usize>C << 2;
  for (let b = 0; b < B; b++) {
    for (let i = 0; i < OH; i++) {
      const y = i * sh + y0;
      for (let j = 0; j < OW; j++) {
        const at = j * sw + x0;
        if (y >= 0 && y < H && at >= 0 && at < W) {
          memory.copy(out, x + <usize>((b * H + y) * W + at) * pixel, pixel);
        } else {
          memory.fill(out, 0, pixel);
        }
        out += pixel;
      }
    }
  }
}

/**
 * Depthwise convolution, of images [B, H, W, C] with one weight [C, M] of its kernel: adds gradients in that weight, or in the images.
 *
 * @param other the weight where the images' gradient is wanted, else 0
 */
export function depthwise(
  images: usize, dy: usize, weight: usize, other: usize,
  B: i32, H: i32, W: i32, C: i32, M: i32, OH: i32, OW: i32, sh: i32, sw: i32, y0: i32, x0: i32,
): void {
  for (let b = 0; b < B; b++) {
    for (let i = 0; i < OH; i++) {
      const y = i * sh + y0;
      for (let j = 0; j < OW; j++) {
        const at = j * sw + x0;
        if (y < 0 || y >= H || at < 0 || at >= W) continue;
        const pixel = images + (<usize>(((b * H + y) * W + at) * C) << 2);
        let g = dy + (<usize>(((b * OH + i) * OW + j) * C * M) << 2);
        let w = other ? other : weight;
        for (let c = 0; c < C; c++) {
          const place = pixel + (<usize>c << 2);
          for (let m = 0; m < M; m++) {
            if (other) {
              f32.store(place, f32.load(place) + f32.load(g) * f32.load(w));
            } else {
              f32.store(w, f32.load(w) + f32.load(place) * f32.load(g));
            }
            g += 4;
            w += 4;
          }
        }
      }
    }
  }
}

/** Adds row i of x [n, inner] to row ids[i] of out [segments, inner]; ids beyond are passed over. */
export function segmentSum(x: usize, ids: usize, out: usize, n: i32, inner: i32, segments: i32): void {
  memory.fill(out, 0, <usize>(segments * inner) << 2);
  for (let i = 0; i < n; i++) {
    const id = load<i32>(ids + (<usize>i << 2));
    if (id >= 0 && id < segments) {
      const row = out + (<usize>(id * inner) << 2);
      for (let j: usize = 0; j < <usize>inner << 2; j += 4) f32.store(row + j, f32.load(row + j) + f32.load(x + j));
    }
    x += <usize>inner << 2;
  }
}

/**
 * Sums of products of two arrays, or of one, over some of their axes, as Einstein wrote them.
 *
 * @param b 0 where there is one array
 * @param axes for each axis four 32-bit integers: its size, and its strides, in elements, in a, b and out; those that are summed over
 * have none in out, which is 0 before
 * @param counters as many 32-bit integers of scratch memory, 0 before
 */
export function einsum(a: usize, b: usize, out: usize, axes: usize, count: i32, counters: usize): void {
  while (true) {
    const value = f32.load(a) * (b ? f32.load(b) : 1);
    f32.store(out, f32.load(out) + value);
    let axis = count - 1;
    // To the next element: the last axis runs first.
    for (; axis >= 0; axis--) {
      const at = axes + (<usize>axis << 4);
      const counter = counters + (<usize>axis << 2);
      const size = load<i32>(at), i = load<i32>(counter) + 1;
      const sa = load<i32>(at, 4), sb = load<i32>(at, 8), sc = load<i32>(at, 12);
      if (i < size) {
        store<i32>(counter, i);
        a += <usize>(sa << 2);
        b += b ? <usize>(sb << 2) : 0;
        out += <usize>(sc << 2);
        break;
      }
      store<i32>(counter, 0);
      a -= <usize>((sa * (size - 1)) << 2);
      b -= b ? <usize>((sb * (size - 1)) << 2) : 0;
      out -= <usize>((sc * (size - 1)) << 2);
    }
    if (axis < 0) return;
  }
}
