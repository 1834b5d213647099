// Pictures out of numbers: images in a grid, points, densities, and a caption above each.

/** Red, green and blue bytes, row by row from the top. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

type Colour = readonly [red: number, green: number, blue: number];

const WHITE: Colour = [255, 255, 255];
const INK: Colour = [40, 40, 40];
const PALE: Colour = [225, 225, 225];

export function blank(width: number, height: number, colour: Colour = WHITE): Picture {
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < rgb.length; i++) {
    rgb[i] = colour[i % 3] as number;
  }
  return { width, height, rgb };
}

/** What `tiles` takes. */
export interface TilesOptions {
  /** Rows and columns of an image. */
  readonly size: number;
  /** Images in a row. */
  readonly columns: number;
  /** Pixels of the picture for one of an image. Default 2. */
  readonly scale?: number;
}

/** Images of ink between 0 and 1, [count, size, size], dark on white in a grid. */
export function tiles(ink: ArrayLike<number>, { size, columns, scale = 2 }: TilesOptions): Picture {
  const count = ink.length / size ** 2;
  const pitch = size * scale + 2;
  const picture = blank(columns * pitch + 2, Math.ceil(count / columns) * pitch + 2, PALE);
  for (let i = 0; i < count; i++) {
    const left = 2 + (i % columns) * pitch;
    const top = 2 + Math.floor(i / columns) * pitch;
    for (let y = 0; y < size * scale; y++) {
      for (let x = 0; x < size * scale; x++) {
        const value = ink[(i * size + Math.floor(y / scale)) * size + Math.floor(x / scale)] as number;
        const grey = Math.round(255 * (1 - Math.min(1, Math.max(0, value))));
        dot(picture, left + x, top + y, [grey, grey, grey]);
      }
    }
  }
  return picture;
}

/** Values [size, size], row 0 at the top, from dark (the least) to bright (the greatest but for one in 500, which may stand out). */
export function heatMap(values: ArrayLike<number>, size: number, scale = 1): Picture {
  const all = Array.from(values);
  const sorted = Float64Array.from(all).sort();
  const least = sorted[0] as number;
  const greatest = sorted[Math.ceil(sorted.length * 0.998) - 1] as number;
  const picture = blank(size * scale, size * scale);
  for (let y = 0; y < picture.height; y++) {
    for (let x = 0; x < picture.width; x++) {
      const value = all[Math.floor(y / scale) * size + Math.floor(x / scale)] as number;
      dot(picture, x, y, viridis(greatest > least ? (value - least) / (greatest - least) : 0));
    }
  }
  return picture;
}

/** What `scatter` takes. */
export interface ScatterOptions {
  /** Rows and columns of the picture, in pixels. */
  readonly size: number;
  /** The smallest and the largest coordinate shown, on both axes; points outside are left out. */
  readonly range: readonly [number, number];
  /** A number from 0 to 9 for each point, shown by colour; default: all dark. */
  readonly labels?: ArrayLike<number>;
}

/** Points [count, 2], the first coordinate to the right, the second upwards; 0 on either axis is a grey line. */
export function scatter(points: ArrayLike<number>, { size, range, labels }: ScatterOptions): Picture {
  const picture = blank(size, size);
  const width = Math.max(2, Math.round(size / 200));
  const [low, high] = range;
  const pixel = (value: number): number => Math.round(((value - low) / (high - low)) * (size - 1));
  for (let i = 0; i < size; i++) {
    dot(picture, i, size - 1 - pixel(0), PALE);
    dot(picture, pixel(0), i, PALE);
  }
  for (let i = 0; 2 * i + 1 < points.length; i++) {
    const x = pixel(points[2 * i] as number);
    const y = size - 1 - pixel(points[2 * i + 1] as number);
    const colour = labels === undefined ? INK : (TEN_COLOURS[labels[i] as number] as Colour);
    for (let cell = 0; cell < width ** 2; cell++) {
      dot(picture, x + (cell % width), y + Math.floor(cell / width), colour);
    }
  }
  return picture;
}

/** The picture with a line of text above it: small letters, digits and the signs . , : - = ( ) + / %. */
export function caption(text: string, picture: Picture): Picture {
  const above = 20;
  const framed = blank(Math.max(picture.width, text.length * 12 + 4), picture.height + above);
  paste(framed, picture, 0, above);
  [...text.toLowerCase()].forEach((letter, i) => {
    const columns = GLYPHS[letter] ?? '0000000000';
    for (let x = 0; x < 10; x++) {
      const bits = Number.parseInt(columns.slice(2 * Math.floor(x / 2), 2 * Math.floor(x / 2) + 2), 16);
      for (let y = 0; y < 16; y++) {
        if ((bits >> Math.floor(y / 2)) & 1) {
          dot(framed, 2 + i * 12 + x, 1 + y, INK);
        }
      }
    }
  });
  return framed;
}

/** The key to the colours of `scatter`: the digits 0 to 9 in a column. */
export function colourKey(): Picture {
  const key = blank(32, 10 * 20);
  TEN_COLOURS.forEach((colour, digit) => {
    paste(key, blank(10, 10, colour), 2, digit * 20 + 3);
    paste(key, caption(String(digit), blank(1, 1)), 16, digit * 20);
  });
  return key;
}

/** Pictures from left to right, aligned at the top. */
export function beside(pictures: readonly Picture[], gap = 16): Picture {
  const width = pictures.reduce((sum, each) => sum + each.width + gap, gap);
  const whole = blank(width, Math.max(...pictures.map(({ height }) => height)) + 2 * gap);
  let left = gap;
  for (const each of pictures) {
    paste(whole, each, left, gap);
    left += each.width + gap;
  }
  return whole;
}

/** Pictures from top to bottom, aligned at the left. */
export function below(pictures: readonly Picture[], gap = 16): Picture {
  const height = pictures.reduce((sum, each) => sum + each.height + gap, gap);
  const whole = blank(Math.max(...pictures.map(({ width }) => width)) + 2 * gap, height);
  let top = gap;
  for (const each of pictures) {
    paste(whole, each, gap, top);
    top += each.height + gap;
  }
  return whole;
}

function paste(target: Picture, source: Picture, left: number, top: number): void {
  for (let y = 0; y < source.height; y++) {
    for (let x = 0; x < source.width; x++) {
      const at = (y * source.width + x) * 3;
      dot(target, left + x, top + y, [source.rgb[at], source.rgb[at + 1], source.rgb[at + 2]] as unknown as Colour);
    }
  }
}

/** Sets one pixel; outside the picture nothing happens. */
function dot({ width, height, rgb }: Picture, x: number, y: number, colour: Colour): void {
  if (x >= 0 && x < width && y >= 0 && y < height) {
    rgb.set(colour, (y * width + x) * 3);
  }
}

/** The colour map of that name, from nine of its points. */
function viridis(t: number): Colour {
  const at = Math.min(1, Math.max(0, t)) * (VIRIDIS.length - 1);
  const i = Math.min(Math.floor(at), VIRIDIS.length - 2);
  const mix = (channel: number): number => {
    const from = (VIRIDIS[i] as Colour)[channel] as number;
    return Math.round(from + (at - i) * (((VIRIDIS[i + 1] as Colour)[channel] as number) - from));
  };
  return [mix(0), mix(1), mix(2)];
}

const VIRIDIS: readonly Colour[] = [
  [68, 1, 84],
  [71, 44, 122],
  [59, 81, 139],
  [44, 113, 142],
  [33, 144, 141],
  [39, 173, 129],
  [92, 200, 99],
  [170, 220, 50],
  [253, 231, 37],
];

/** Ten colours that are easy to tell apart. */
const TEN_COLOURS: readonly Colour[] = [
  [31, 119, 180],
  [255, 127, 14],
  [44, 160, 44],
  [214, 39, 40],
  [148, 103, 189],
  [140, 86, 75],
  [227, 119, 194],
  [127, 127, 127],
  [188, 189, 34],
  [23, 190, 207],
];

/** Letters of 5 x 8 dots: two hexadecimal digits a column, the lowest bit at the top. */
// biome-ignore format: a table
const GLYPHS: Readonly<Record<string, string>> = {
  '0': '3E5149453E', '1': '00427F4000', '2': '4261514946', '3': '2141454B31', '4': '1814127F10',
  '5': '2745454539', '6': '3C4A494930', '7': '0171090503', '8': '3649494936', '9': '064949291E',
  a: '2054545478', b: '7F48444438', c: '3844444420', d: '384444487F', e: '3854545418', f: '087E090102',
  g: '18A4A4A47C', h: '7F08040478', i: '00447D4000', j: '2040443D00', k: '7F10284400', l: '00417F4000',
  m: '7C04780478', n: '7C08040478', o: '3844444438', p: 'FC18242418', q: '18242418FC', r: '7C08040408',
  s: '4854545424', t: '04043F4424', u: '3C4040207C', v: '1C2040201C', w: '3C4030403C', x: '4428102844',
  y: '4C9090907C', z: '4464544C44',
  '.': '0000600000', ',': '0080703000', ':': '0000140000', '-': '0808080808', '=': '1414141414',
  '(': '001C224100', ')': '0041221C00', '+': '08083E0808', '/': '2010080402', '%': '2313086462',
};
