// Makes the reference: loaded before TensorFlow.js, it has the cpu backend, whose numbers lie in arrays of this class, compute in float64.
globalThis.Float32Array = Float64Array as unknown as typeof Float32Array;
const tf = await import('@tensorflow/tfjs');
tf.env().platform.isTypedArray = (value: unknown): value is Uint8Array => ArrayBuffer.isView(value);

// What is exported keeps it a module.
export {};
