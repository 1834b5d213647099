import type { Columns, Lanes } from './lanes.js';

/** What the mathematics of an element is done with. */
export interface Arithmetic<F> {
  readonly lanes: Lanes<F>;
  /** A number as it will lie in a tensor. */
  stored(number: F): F;
  /** Numbers that are read where none is put in their place. */
  columns(read: (p: number) => F): Columns<F>;
  /** What a state is after so many steps, or from that on where a step leaves it as it is. */
  repeat(steps: number, state: readonly F[], next: (state: readonly F[]) => readonly F[]): readonly F[];
}

/** The mathematics of a transformer for one element, with numbers of any kind: those of a CPU, or texts of a shader. */
export interface ElementTransformer<Attributes> {
  /** Tells apart what the attributes make of it. */
  key(attributes: Attributes): string;
  /** The value and the log-derivative. */
  forward<F>(arithmetic: Arithmetic<F>, x: F, parameters: Columns<F>, attributes: Attributes): [F, F];
  /** The gradients in x and in each parameter. */
  backward<F>(
    arithmetic: Arithmetic<F>,
    element: DifferentiatedElement<F>,
    attributes: Attributes,
  ): { readonly x: F; readonly parameters: readonly F[] };
}

/** An element whose gradient is wanted, and the gradients in its value and log-derivative. */
export interface DifferentiatedElement<F> {
  readonly x: F;
  /** Looked at only where the gradient is said to need outputs. */
  readonly y: F;
  readonly parameters: Columns<F>;
  readonly byValue: F;
  readonly byLogDerivative: F;
}
