import type { Columns, Lanes } from '../lanes.js';

/** WebGL's and WebGPU's. */
export type Language = 'glsl' | 'wgsl';

/** As WGSL calls them. */
export type NumberType = 'f32' | 'i32' | 'u32';

/** A shader's text as it grows. Numbers are names of variables in it, or literals. */
export interface Shader {
  /** The mathematics of kernels, written into the text. */
  readonly lanes: Lanes<string>;
  /** A number of an input, at an index into all of its elements. */
  read(input: number, index: string): string;
  /** A name for an integer expression, whose operators are those of both languages. */
  integer(expression: string): string;
  /** The same for integers of 32 bits without a sign; a literal ends in u. */
  unsigned(expression: string): string;
  /** A number as one of another type. Integers keep their bits. */
  convert(type: NumberType, value: string): string;
  /** One of two numbers of any type. */
  select(condition: string, yes: string, no: string): string;
  /** What `yes` or `no` gives. */
  choose(condition: string, yes: () => string, no: () => string): string;
  /** The number of these at an index. */
  pick(values: readonly string[], index: string): string;
  /** The sum of what `term` gives for 0 ... count - 1; `count` may be a name. */
  sum(count: number | string, term: (i: string) => string): string;
  /** Several sums at once. */
  sums(count: number | string, terms: (i: string) => readonly string[]): readonly string[];
  /** What `body` writes, for 0 ... count - 1 in turn. */
  loop(count: number | string, body: (i: string) => void): void;
  /** Room for so many numbers. */
  memory(size: number): Memory;
  /** A value, or NaN where another number is. */
  orNan(value: string, of: string): string;
  /** An integer of a table, at an index. */
  lookUp(table: readonly number[], index: string): string;
}

/** Numbers that a program keeps, at an index. */
export interface Memory {
  at(index: string): string;
  put(index: string, value: string): void;
}

/** The body of a function that returns a float, of what `write` gives: NaN where any number that it reads is. */
export function shaderBody(language: Language, write: (shader: Shader) => string): string {
  const { shader, lines } = compose(language, true);
  const result = write(shader);
  const nan = nanOf(language);
  const flag = language === 'glsl' ? 'bool isPoor = false;' : 'var isPoor = false;';
  return [flag, ...lines, `if (isPoor) { return ${nan}; }`, `return ${result};`].join('\n');
}

/** The body of a function that returns four floats. A number that is NaN may count as any other, so `write` looks for it. */
export function blockBody(language: Language, write: (shader: Shader) => readonly string[]): string {
  const { shader, lines } = compose(language, false);
  const result = write(shader);
  return [...lines, `return ${language === 'glsl' ? 'vec4' : 'vec4<f32>'}(${result});`].join('\n');
}

const nanOf = (language: Language): string => (language === 'glsl' ? 'NAN' : 'uniforms.NAN');

/** A shader, and the lines that are written with it. */
function compose(language: Language, looksForNan: boolean): { shader: Shader; lines: readonly string[] } {
  const isGlsl = language === 'glsl';
  const lines: string[] = [];
  let names = 0;
  const name = (): string => {
    names += 1;
    return `v${names}`;
  };
  const word = (type: NumberType): string => (isGlsl ? { f32: 'float', i32: 'int', u32: 'uint' }[type] : type);
  const declare = (type: NumberType, value: string, isMutable = false): string => {
    const it = name();
    lines.push(isGlsl ? `${word(type)} ${it} = ${value};` : `${isMutable ? 'var' : 'let'} ${it} : ${type} = ${value};`);
    return it;
  };
  const float = (value: string): string => declare('f32', value);
  const call = (f: string) => (a: string) => float(`${f}(${a})`);
  const select = (condition: string, yes: string, no: string): string =>
    isGlsl ? `((${condition}) ? ${yes} : ${no})` : `select(${no}, ${yes}, ${condition})`;

  const lanes: Lanes<string> = {
    constant: literal,
    add: (a, b) => float(`${a} + ${b}`),
    sub: (a, b) => float(`${a} - ${b}`),
    mul: (a, b) => float(`${a} * ${b}`),
    div: (a, b) => float(`${a} / ${b}`),
    neg: (a) => float(`-(${a})`),
    abs: call('abs'),
    sqrt: call('sqrt'),
    max: (a, b) => float(`max(${a}, ${b})`),
    min: (a, b) => float(`min(${a}, ${b})`),
    fma: (a, b, c) => float(`${a} * ${b} + ${c}`),
    ifAtLeast: (a, b, yes, no) => float(select(`${a} >= ${b}`, yes, no)),
    // Beyond these ends shaders may give anything.
    exp: (a) => float(`exp(clamp(${a}, -87.0, 88.7))`),
    log: call('log'),
    log1p: (a) => {
      // 2 atanh(a / (2 + a)) where that converges fast, from -1/2 on: a compiler may take log(1 + a) at its word.
      const s = float(`${a} / (${a} + 2.0)`);
      const t = float(`${s} * ${s}`);
      const series = [15, 13, 11, 9, 7, 5, 3, 1].reduce((sum, odd) => `(${sum} * ${t} + ${literal(2 / odd)})`, '0.0');
      return float(select(`${a} > 1.0`, `log(1.0 + ${a})`, `${s} * ${series}`));
    },
    tanh: (a) => {
      const e = float(`exp(max(-2.0 * abs(${a}), -87.0))`);
      return float(`sign(${a}) * (1.0 - ${e}) / (1.0 + ${e})`);
    },
    sigmoid: (a) => float(`1.0 / (1.0 + exp(clamp(-(${a}), -87.0, 87.0)))`),
  };

  const shader: Shader = {
    lanes,
    read: (input, index) => {
      // What TensorFlow.js casts to float32 may still lie in memory as integers.
      const value = float(isGlsl ? `getA${input}(${index})` : `f32(a${input}[${index}])`);
      // Shaders may take NaN for any number, in comparisons above all.
      if (looksForNan) {
        lines.push(`isPoor = isPoor || isnan(${value});`);
      }
      return value;
    },
    integer: (expression) => declare('i32', expression),
    unsigned: (expression) => declare('u32', expression),
    convert: (type, value) => `${word(type)}(${value})`,
    select,
    choose: (condition, yes, no) => {
      const result = declare('f32', '0.0', true);
      lines.push(`if (${condition}) {`);
      lines.push(`${result} = ${yes()};`);
      lines.push('} else {');
      lines.push(`${result} = ${no()};`);
      lines.push('}');
      return result;
    },
    pick: (values, index) => {
      const result = declare('f32', values[0] as string, true);
      values.slice(1).forEach((value, i) => {
        lines.push(`if (${index} == ${i + 1}) { ${result} = ${value}; }`);
      });
      return result;
    },
    sum: (count, term) => shader.sums(count, (i) => [term(i)])[0] as string,
    sums: (count, terms) => {
      if (count === 1) {
        return terms('0');
      }
      // How many there are is known when the first ones are written, behind the place where they begin.
      const start = lines.length;
      const totals: string[] = [];
      shader.loop(count, (i) => {
        terms(i).forEach((term, j) => {
          totals[j] = name();
          lines.push(`${totals[j]} = ${totals[j]} + ${term};`);
        });
      });
      lines.splice(start, 0, ...totals.map((total) => (isGlsl ? `float ${total} = 0.0;` : `var ${total} : f32 = 0.0;`)));
      return totals;
    },
    orNan: (value, of) => float(select(`isnan(${of})`, nanOf(language), value)),
    loop: (count, body) => {
      const i = name();
      lines.push(
        isGlsl ? `for (int ${i} = 0; ${i} < ${count}; ${i}++) {` : `for (var ${i} : i32 = 0; ${i} < ${count}; ${i}++) {`,
      );
      body(i);
      lines.push('}');
    },
    memory: (size) => {
      const it = name();
      lines.push(isGlsl ? `float ${it}[${size}];` : `var ${it} : array<f32, ${size}>;`);
      return {
        at: (index) => float(`${it}[${index}]`),
        put: (index, value) => {
          lines.push(`${it}[${index}] = ${value};`);
        },
      };
    },
    lookUp: (table, index) => {
      const it = name();
      const size = table.length;
      lines.push(isGlsl ? `int ${it}[${size}] = int[${size}](${table});` : `var ${it} = array<i32, ${size}>(${table});`);
      return declare('i32', `${it}[${index}]`);
    },
  };
  return { shader, lines };
}

/** As both languages write a float. */
function literal(value: number): string {
  if (!Number.isFinite(value)) {
    // Neither has a literal for it, and no use for more than the largest number.
    return value > 0 ? '3.4e38' : '-3.4e38';
  }
  const text = String(Math.fround(value) === value ? value : Number(value.toPrecision(9)));
  return /[.e]/.test(text) ? text.replace(/^(-?\d+)e/, '$1.0e') : `${text}.0`;
}

/** Repeats a step in a shader's text; all steps are taken. */
export function repeated(
  { loop, memory }: Shader,
  steps: number,
  state: readonly string[],
  next: (state: readonly string[]) => readonly string[],
): readonly string[] {
  const held = memory(state.length);
  const put = (values: readonly string[]): void => {
    values.forEach((value, i) => {
      held.put(`${i}`, value);
    });
  };
  const all = (): string[] => state.map((_, i) => held.at(`${i}`));
  put(state);
  loop(steps, () => put(next(all())));
  return all();
}

/** Columns that the text of a shader is written with: read from an input where they are not put there. */
export function shaderColumns(read: (p: number) => string): Columns<string> {
  const held = new Map<number, string>();
  return {
    at: (p) => {
      const found = held.get(p) ?? read(p);
      held.set(p, found);
      return found;
    },
    put: (p, value) => {
      held.set(p, value);
    },
  };
}
