export type { BijectorTolerance, CheckBijectorOptions } from './checkBijector.js';
export { checkBijector } from './checkBijector.js';
export type { CheckDistributionOptions } from './checkDistribution.js';
export { checkDistribution } from './checkDistribution.js';
export { expectNoLeak } from './expectNoLeak.js';
export type { LawReport } from './laws.js';
export { randomizeParameters } from './randomizeParameters.js';
