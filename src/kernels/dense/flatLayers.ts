import type { Tensor } from '@tensorflow/tfjs-core';
import type { AffineLayer, DenseActivation } from './dense.js';

/** What the kernel of dense layers is told. Inputs are x [rows, in] and the tensors of each layer, an offset as [rows, out]. */
export interface DenseAttributes {
  /** What inputs are, x aside. With each kernel a layer begins. */
  readonly roles: readonly Role[];
  /** Of each layer. */
  readonly activations: readonly DenseActivation[];
}

type Role = (typeof ROLES)[number];
const ROLES = ['kernel', 'bias', 'offset', 'mask'] as const;

/** A layer as a kernel has it. */
export type GivenLayer<T> = AffineLayer<T> & { readonly activation: DenseActivation };

/** Inputs and attributes for x and layers. */
export function flattened(x: Tensor, layers: readonly GivenLayer<Tensor>[]): [inputs: Tensor[], attributes: DenseAttributes] {
  const inputs = [x];
  const roles: Role[] = [];
  for (const layer of layers) {
    for (const role of ROLES) {
      const tensor = layer[role];
      if (tensor !== undefined) {
        inputs.push(tensor);
        roles.push(role);
      }
    }
  }
  return [inputs, { roles, activations: layers.map(({ activation }) => activation) }];
}

/** Layers of the inputs, x aside. */
export function layersOf<T>(tensors: readonly T[], { roles, activations }: DenseAttributes): GivenLayer<T>[] {
  const layers: Partial<Record<Role, T>>[] = [];
  roles.forEach((role, i) => {
    if (role === 'kernel') {
      layers.push({});
    }
    (layers[layers.length - 1] as (typeof layers)[number])[role] = tensors[i] as T;
  });
  return layers.map((layer, i) => ({ ...(layer as AffineLayer<T>), activation: activations[i] as DenseActivation }));
}
