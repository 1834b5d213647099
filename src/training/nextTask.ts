/**
 * Lets timers, signals and painting have their turn. Not `nextFrame` of TensorFlow.js, which stands still in a hidden tab, and
 * not a timer of 0 ms, which browsers stretch.
 */
export function nextTask(): Promise<void> {
  if (typeof setImmediate === 'function') {
    return new Promise((resolve) => setImmediate(resolve));
  }
  if (typeof MessageChannel === 'function') {
    return new Promise((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(0);
    });
  }
  return new Promise((resolve) => setTimeout(resolve));
}
