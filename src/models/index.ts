export type { IafPosteriorOptions } from './iafPosterior.js';
export { iafPosterior } from './iafPosterior.js';
export type { MlpVaeOptions } from './mlpVae.js';
export { mlpVae } from './mlpVae.js';
export type { PlanarFlowOptions } from './planarFlow.js';
export { planarFlow } from './planarFlow.js';
