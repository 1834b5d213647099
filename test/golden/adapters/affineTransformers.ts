import type { Transformer } from 'tfjs-flows';
import { additiveTransformer, affineTransformer } from 'tfjs-flows';
import { unknown } from './adapter.js';

/** Our transformer whose scale is that of a formula in the cases, as a function of the raw number a. */
export function transformerOf(formula: unknown): Transformer {
  const text = String(formula).replaceAll(' ', '');
  const match = (pattern: RegExp): RegExpExecArray | null => pattern.exec(text);
  if (text === '1') {
    return additiveTransformer();
  }
  if (text === 'exp(a)' || text === 'exp(log_scale)') {
    return affineTransformer({ scale: 'exp' });
  }
  if (text === 'exp(tanh(a))') {
    return affineTransformer({ scale: 'tanh' });
  }
  if (text === 'a/(1+|a/ln0.001|)') {
    return affineTransformer({ scale: 'bounded' });
  }
  const sigmoid = match(/^sigmoid\(a\+([\d.]+)\)\+([\d.]+)$/);
  if (sigmoid !== null) {
    return affineTransformer({ scale: 'sigmoid', offset: Number(sigmoid[1]), minimum: Number(sigmoid[2]) });
  }
  const softplus = match(/^softplus\(a\)\+([\d.]+)$/);
  if (softplus !== null) {
    return affineTransformer({ scale: 'softplus', minimum: Number(softplus[1]) });
  }
  const clamped = match(/^clamp\(softplus\(a\)\+([\d.]+),0,([\d.]+)\)$/);
  if (clamped !== null) {
    return affineTransformer({ scale: 'softplus', minimum: Number(clamped[1]), maximum: Number(clamped[2]) });
  }
  throw unknown('scale', formula);
}
