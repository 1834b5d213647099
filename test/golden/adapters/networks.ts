import type { Tensor } from '@tensorflow/tfjs-core';
import { add, elu, mul, relu, sigmoid, softplus, tanh, tidy } from '@tensorflow/tfjs-core';
import type { AutoregressiveConditioner, Conditioner } from 'tfjs-flows';
import { defineModule, made, mlp } from 'tfjs-flows';
import { unknown } from './adapter.js';
import type { Matrix, State } from './state.js';
import { assign, masked, matrixOf, rowsAt, transposed } from './state.js';

export type Activation = (x: Tensor) => Tensor;

const ACTIVATIONS: Readonly<Record<string, Activation>> = {
  relu: (x) => relu(x),
  tanh: (x) => tanh(x),
  elu: (x) => elu(x),
  sigmoid: (x) => sigmoid(x),
  softplus: (x) => softplus(x),
  silu: (x) => mul(x, sigmoid(x)),
};

/** The activation of that name. */
export function activationNamed(name: unknown): Activation {
  const found = ACTIVATIONS[String(name)];
  if (found === undefined) {
    throw unknown('activation', name);
  }
  return found;
}

/**
 * Which output of a peer is our output d P + p, where the peer's outputs are blocks of D: [p0 of all d, p1 of all d, ...].
 *
 * @param blocks the block that holds our parameter p
 */
export const fromBlocks = (dim: number, blocks: readonly number[]): number[] =>
  Array.from({ length: dim }, (_, d) => blocks.map((block) => block * dim + d)).flat();

/** The same where the peer's output d P + k is its parameter k of element d. */
export const fromInterleaved = (dim: number, places: readonly number[]): number[] =>
  Array.from({ length: dim }, (_, d) => places.map((place) => d * places.length + place)).flat();

/** The linear layers `N.weight` [out, in], N ascending, of a sequence with activations between them. */
function layersOf(state: State): string[] {
  return state.names
    .filter((name) => /^\d+\.weight$/.test(name))
    .map((name) => Number.parseInt(name, 10))
    .sort((a, b) => a - b)
    .map(String);
}

/** Our `mlp` with the weights of a sequence of linear layers; its outputs are those of the peer at `outputs`, or all of them. */
export function mlpOf(
  state: State,
  activation: Activation,
  outputs?: readonly number[],
  layers: readonly string[] = layersOf(state),
): Conditioner {
  const weights = layers.map((layer) => matrixOf(state.get(`${layer}.weight`)));
  const biases = layers.map((layer) => state.get(`${layer}.bias`).data);
  const last = layers.length - 1;
  const placesOf = (layer: number): readonly number[] =>
    layer === last && outputs !== undefined
      ? outputs
      : Array.from({ length: (weights[layer] as Matrix).rows }, (_, unit) => unit);
  const network = mlp({
    inputDim: (weights[0] as Matrix).columns,
    outputDim: placesOf(last).length,
    hidden: weights.slice(0, last).map(({ rows }) => rows),
    activation,
  });
  weights.forEach((weight, i) => {
    const name = i === last ? 'output' : `hidden${i}`;
    const places = placesOf(i);
    assign(network, `${name}.kernel`, transposed(rowsAt(weight, places)));
    assign(
      network,
      `${name}.bias`,
      places.map((place) => biases[i]?.[place] as number),
    );
  });
  return network;
}

/** nflows' `ResidualNet`, of our `mlp`s: h = initial(x), then h + outer(act(inner(act(h)))) for each block, then final(h). */
export function residualNetOf(state: State, activation: Activation, outputs: readonly number[]): Conditioner {
  const blocks = [...new Set(state.names.flatMap((name) => /^blocks\.\d+\.linear_layers/.exec(name)?.[0] ?? []))];
  const initial = mlpOf(state, activation, undefined, ['initial_layer']);
  const middle = blocks.map((block) => mlpOf(state, activation, undefined, [`${block}.0`, `${block}.1`]));
  const final = mlpOf(state, activation, outputs, ['final_layer']);
  const parts = { initial, final, ...Object.fromEntries(middle.map((block, i) => [`block${i}`, block])) };
  return {
    ...defineModule({ parts }),
    inputDim: initial.inputDim,
    outputDim: final.outputDim,
    contextDim: 0,
    apply: (x, call) =>
      tidy(() =>
        final.apply(
          middle.reduce((h, block) => add(h, block.apply(activation(h), call)), initial.apply(x, call)),
          call,
        ),
      ),
  };
}

/** A peer's masked network: its layers in our order, and what of its outputs is which of ours. */
interface MaskedNetwork {
  readonly dim: number;
  /** Paths of the peer's layers `PATH.weight`, `PATH.bias`, `PATH.mask` by the names of ours. */
  readonly layers: Readonly<Record<string, string>>;
  readonly outputs: readonly number[];
  readonly order: readonly number[];
  readonly activation: Activation;
  readonly residual: boolean;
}

/** Our `made` with a peer's weights and masks. Inputs after the first `dim` are a context, which our masks leave alone. */
function madeOf(state: State, { dim, layers, outputs, order, activation, residual }: MaskedNetwork): AutoregressiveConditioner {
  const [first, firstPath] = Object.entries(layers)[0] as [string, string];
  const contextDim = matrixOf(state.get(`${firstPath}.weight`)).columns - dim;
  const hidden = Object.keys(layers)
    .filter((name) => /^hidden\d+(\.inner)?$/.test(name))
    .map((name) => matrixOf(state.get(`${layers[name]}.weight`)).rows);
  const network = made({ dim, parameterSize: outputs.length / dim, contextDim, hidden, order, activation, residual });
  const own = Array.from({ length: dim }, (_, d) => d);
  const rest = Array.from({ length: contextDim }, (_, c) => dim + c);
  for (const [name, path] of Object.entries(layers)) {
    const places = name === 'output' ? outputs : undefined;
    const pick = (matrix: Matrix): Matrix => (places === undefined ? matrix : rowsAt(matrix, places));
    const kernel = transposed(pick(matrixOf(state.get(`${path}.weight`))));
    const mask = transposed(pick(matrixOf(state.get(`${path}.mask`))));
    const bias = state.get(`${path}.bias`).data;
    const hasContext = name === first && contextDim > 0;
    assign(network, `${name}.kernel`, hasContext ? rowsAt(kernel, own) : kernel);
    assign(network, `${name}.mask`, hasContext ? rowsAt(mask, own) : mask);
    assign(network, `${name}.bias`, places === undefined ? bias : places.map((place) => bias[place] as number));
    if (hasContext) {
      assign(network, `${name}.context`, rowsAt(masked(kernel, mask), rest));
    }
  }
  return network;
}

/** nflows' `MADE`, feed-forward or residual. `places`: which of an element's outputs is our parameter p. */
export function nflowsMade(
  state: State,
  { residual, activation, places }: { residual: boolean; activation: Activation; places: readonly number[] },
): AutoregressiveConditioner {
  const dim = matrixOf(state.get('initial_layer.weight')).columns;
  const blocks = [...new Set(state.names.flatMap((name) => /^blocks\.(\d+)\./.exec(name)?.[1] ?? []))];
  const layers: Record<string, string> = { hidden0: 'initial_layer' };
  for (const [i, block] of blocks.entries()) {
    if (residual) {
      layers[`hidden${i + 1}.inner`] = `blocks.${block}.linear_layers.0`;
      layers[`hidden${i + 1}.outer`] = `blocks.${block}.linear_layers.1`;
    } else {
      layers[`hidden${i + 1}`] = `blocks.${block}.linear`;
    }
  }
  layers.output = 'final_layer';
  const order = Array.from({ length: dim }, (_, d) => d);
  return madeOf(state, { dim, layers, outputs: fromInterleaved(dim, places), order, activation, residual });
}

/** zuko's `MaskedMLP`: a sequence of masked layers; inputs after the features are a context. */
export function zukoMade(
  state: State,
  { order, activation, places }: { order: readonly number[]; activation: Activation; places: readonly number[] },
): AutoregressiveConditioner {
  const paths = layersOf(state);
  const layers = Object.fromEntries(paths.map((path, i) => [i === paths.length - 1 ? 'output' : `hidden${i}`, path]));
  const outputs = fromInterleaved(order.length, places);
  return madeOf(state, { dim: order.length, layers, outputs, order, activation, residual: false });
}
