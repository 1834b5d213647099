/**
 * Every message of the library has this form: who complains, about which argument, what was expected and what came.
 *
 * @param where the factory or method, for example `planar.forward`
 * @param argument the argument or option, for example `x` or `options.dim`
 * @param expected continues "should be", for example `a positive integer`
 * @param received what came; described by `describe`
 */
export function invalid(where: string, argument: string, expected: string, received: unknown): Error {
  return new Error(`${where}: ${argument} should be ${expected}, but got ${describe(received)}.`);
}

/** A value in words: tensors by dtype and shape, arrays and objects shortened. */
export function describe(value: unknown): string {
  if (value === undefined) {
    return 'nothing';
  }
  if (typeof value === 'string') {
    return `'${value}'`;
  }
  if (Object(value) === value) {
    if (isTensorLike(value)) {
      return `a ${value.dtype} tensor of shape [${value.shape.join(', ')}]${value.isDisposed ? ' that is disposed' : ''}`;
    }
    const { constructor: kind = Object } = value as { constructor?: { readonly name: string } };
    // What is neither, a model of tfjs-layers say, may refer to itself.
    const text = kind === Object || kind === Array ? JSON.stringify(value) : `a ${kind.name}`;
    return text.length > 80 ? `${text.slice(0, 77)}...` : text;
  }
  return String(value);
}

/** Structural, since a page can hold two copies of tfjs-core and `instanceof` would then lie. */
export function isTensorLike(value: unknown): value is { shape: number[]; dtype: string; isDisposed: boolean; dataId: object } {
  const { shape, dtype, dataId } = Object(value) as Record<string, unknown>;
  return Array.isArray(shape) && typeof dtype === 'string' && typeof dataId === 'object';
}

/** Throws unless `value` is an integer of at least `least`. */
export function checkInteger(where: string, argument: string, value: unknown, least: number): asserts value is number {
  if (!Number.isInteger(value) || (value as number) < least) {
    throw invalid(where, argument, least === 1 ? 'a positive integer' : `an integer of at least ${least}`, value);
  }
}

/** Throws unless `value` is a finite number within the bounds that are given. */
export function checkNumber(
  where: string,
  argument: string,
  value: unknown,
  range: { readonly above?: number; readonly least?: number; readonly most?: number; readonly below?: number } = {},
): asserts value is number {
  const bounds: string[] = [];
  if (range.above !== undefined) bounds.push(`above ${range.above}`);
  if (range.least !== undefined) bounds.push(`at least ${range.least}`);
  if (range.below !== undefined) bounds.push(`below ${range.below}`);
  if (range.most !== undefined) bounds.push(`at most ${range.most}`);
  const ok =
    typeof value === 'number' &&
    Number.isFinite(value) &&
    (range.above === undefined || value > range.above) &&
    (range.least === undefined || value >= range.least) &&
    (range.below === undefined || value < range.below) &&
    (range.most === undefined || value <= range.most);
  if (!ok) {
    throw invalid(where, argument, `a finite number${bounds.length > 0 ? ` ${bounds.join(' and ')}` : ''}`, value);
  }
}

/**
 * Throws where `options` is no object, or has a key that is not in `known`: a misspelt option must not pass silently. An `rng` is a
 * generator wherever there is one.
 */
export function checkOptions(where: string, options: unknown, known: readonly string[]): void {
  if (Object(options) !== options || Array.isArray(options) || isTensorLike(options)) {
    throw invalid(where, 'options', `an object with ${known.join(', ')}`, options);
  }
  for (const key of Object.keys(options as object)) {
    if (!known.includes(key)) {
      throw new Error(`${where}: unknown option '${key}'; the options are ${known.join(', ')}.`);
    }
  }
  const { rng } = options as { rng?: { normal?: unknown } | null };
  if (rng !== undefined && typeof rng?.normal !== 'function') {
    throw invalid(where, 'options.rng', 'a generator that createRng made', rng);
  }
}

/**
 * Throws for options of a call that no method knows: a misspelt `context` must not pass silently. `step` comes with what `fit`
 * gives to a loss, which passes it on.
 */
export function checkCall(where: string, options: unknown, ...more: string[]): void {
  checkOptions(where, options, [...more, 'context', 'frozen', 'training', 'rng', 'step']);
}
