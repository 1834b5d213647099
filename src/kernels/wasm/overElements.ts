import type { Exports } from './exports.js';
import type { Instance } from './instance.js';

/** An array: where it begins, and how many bytes an element has there, 0 where all have the same or there is none. */
export interface Place {
  readonly address: number;
  readonly bytes: number;
}

/** Elements of which each is computed by itself. */
export interface ElementWork {
  readonly size: number;
  /** Elements that must stay together: a thread has a multiple of them. Default 1. */
  readonly piece?: number;
  /** About how long an element takes. */
  readonly nanoseconds: number;
  /** Of scratch memory. Default 0. */
  readonly bytes?: number;
  /** What the export is called with after the places of the first element at hand, for so many elements. */
  numbers(count: number, scratch: number): readonly number[];
}

/** Runs an export over elements, by two threads where there are two and the work is worth it. */
export function overElements(
  instance: Instance,
  name: keyof Exports,
  places: readonly Place[],
  { size, piece = 1, nanoseconds, bytes = 0, numbers }: ElementWork,
): void {
  instance.overRows(name, {
    rows: size / piece,
    nanoseconds: nanoseconds * piece,
    bytes,
    numbers: (first, pieces, scratch) => [
      ...places.map((place) => place.address + first * piece * place.bytes),
      ...numbers(pieces * piece, scratch),
    ],
  });
}
