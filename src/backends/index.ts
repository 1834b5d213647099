export type { BackendFailure, BackendName, ChosenBackend, UseBackendOptions } from './useBackend.js';
export { useBackend } from './useBackend.js';
