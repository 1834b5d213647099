import type { Adapter } from './adapter.js';
import { affineCouplingAdapter } from './affineCoupling.js';
import { dequantizationAdapter } from './dequantization.js';
import { disentanglementMetricsAdapter } from './disentanglementMetrics.js';
import { distributionsAdapter } from './distributions.js';
import { elboAdapter } from './elbo.js';
import { elboSurgeryAdapter } from './elboSurgery.js';
import { glowAdapter } from './glow.js';
import { importsAdapter } from './imports.js';
import { logisticMixtureCdfAdapter } from './logisticMixtureCdf.js';
import { madeMafIafAdapter } from './madeMafIaf.js';
import { planarAdapter } from './planar.js';
import { radialAdapter } from './radial.js';
import { sinhArcsinhAdapter } from './sinhArcsinh.js';
import { splineAdapter } from './spline.js';
import { sylvesterAdapter } from './sylvester.js';

/** An adapter a case file. */
const adapters: Readonly<Record<string, Adapter>> = {
  'affine_coupling.json': affineCouplingAdapter,
  'dequantization.json': dequantizationAdapter,
  'distributions.json': distributionsAdapter,
  'elbo.json': elboAdapter,
  'elbo_surgery.json': elboSurgeryAdapter,
  'disentanglement_metrics.json': disentanglementMetricsAdapter,
  'glow.json': glowAdapter,
  'logistic_mixture_cdf.json': logisticMixtureCdfAdapter,
  'made_maf_iaf.json': madeMafIafAdapter,
  'planar.json': planarAdapter,
  'radial.json': radialAdapter,
  'sinh_arcsinh.json': sinhArcsinhAdapter,
  'sylvester.json': sylvesterAdapter,
  'spline.json': splineAdapter,
};

/** The adapter of a file of that name; files of published models share one. */
export function adapterFor(file: string): Adapter | undefined {
  return file.startsWith('imports/') ? importsAdapter : Object.hasOwn(adapters, file) ? adapters[file] : undefined;
}
