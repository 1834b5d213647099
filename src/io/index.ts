export { decodeSafetensors } from './decodeSafetensors.js';
export { encodeSafetensors } from './encodeSafetensors.js';
export type { Safetensors, SafetensorsArray, SafetensorsDtype, StoredTensor } from './format.js';
export type { LoadReport, LoadSafetensorsOptions } from './loadSafetensors.js';
export { loadSafetensors } from './loadSafetensors.js';
export type { Saveable, SaveSafetensorsOptions } from './saveSafetensors.js';
export { saveSafetensors } from './saveSafetensors.js';
