import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import { tidy, variable } from '@tensorflow/tfjs-core';
import { invalid } from './errors.js';

/**
 * Something that owns state on the device.
 *
 * Names are paths: the variable `kernel` of a layer `hidden0` of a conditioner of the first part of a chain is
 * `layers.0.conditioner.hidden0.kernel`.
 */
export interface Module {
  /** What training changes. */
  readonly parameters: Readonly<Record<string, Variable>>;
  /** What is saved and not trained: masks, running means, initialisation flags. */
  readonly buffers: Readonly<Record<string, Variable>>;
  /** Frees parameters and buffers, those of the parts included. A second call does nothing. */
  dispose(): void;
}

/** What `defineModule` takes: the module's own variables, and the modules that it is made of. */
export interface ModuleState {
  readonly parameters?: Readonly<Record<string, Variable>>;
  readonly buffers?: Readonly<Record<string, Variable>>;
  /** Parts by path; the names of their variables are prefixed with it. */
  readonly parts?: Readonly<Record<string, Module>>;
}

/**
 * Gathers own variables and those of the parts under their paths, and frees each once. A variable that two parts share has
 * the name that it has in the first: it is trained, counted and saved once.
 *
 * @throws where two variables would have one name.
 * @example
 * ```ts
 * import { defineModule } from 'tfjs-flows';
 *
 * const nothing = defineModule({});
 * console.log(Object.keys(nothing.parameters).length); // => 0
 * nothing.dispose();
 * ```
 */
export function defineModule(state: ModuleState): Module {
  const gather = (kind: 'parameters' | 'buffers'): Readonly<Record<string, Variable>> => {
    const all: Record<string, Variable> = { ...state[kind] };
    const seen = new Set(Object.values(all));
    for (const [path, part] of Object.entries(state.parts ?? {})) {
      for (const [name, value] of Object.entries(part[kind])) {
        if (seen.has(value)) {
          continue;
        }
        seen.add(value);
        const full = path === '' ? name : `${path}.${name}`;
        if (full in all) {
          throw invalid('defineModule', `the name of one of two ${kind}`, 'another', full);
        }
        all[full] = value;
      }
    }
    return Object.freeze(all);
  };
  const parameters = gather('parameters');
  const buffers = gather('buffers');
  return {
    parameters,
    buffers,
    dispose: () => {
      for (const part of Object.values(state.parts ?? {})) {
        part.dispose();
      }
      for (const own of [...Object.values(parameters), ...Object.values(buffers)]) {
        if (!own.isDisposed) {
          own.dispose();
        }
      }
    },
  };
}

/** A trainable variable with the value that `init` makes; what `init` made on the way is freed. */
export function parameter(init: () => Tensor): Variable {
  return tidy(() => variable(init(), true));
}

/** A variable that is saved and not trained. */
export function buffer(init: () => Tensor): Variable {
  return tidy(() => variable(init(), false));
}
