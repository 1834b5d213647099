/**
 * Starts TensorFlow.js's WASM backend with memory that threads can share.
 *
 * Where pages may share memory it has such memory anyway. In Node its program has some of its own, of which one bit says what kind it
 * is; no instruction depends on that, so the bit is set as the program is compiled.
 */
export async function withSharedMemory<T>(start: () => Promise<T>): Promise<T> {
  const { instantiate } = WebAssembly;
  const patched = (program: BufferSource, imports?: WebAssembly.Imports): Promise<unknown> =>
    instantiate(program instanceof Uint8Array ? sharing(program) : program, imports);
  Object.assign(WebAssembly, { instantiate: patched });
  try {
    return await start();
  } finally {
    Object.assign(WebAssembly, { instantiate });
  }
}

/** The section of a program that tells its memory, and the bits of how. */
const MEMORY = 5;
const LIMITED = 1;
const SHARED = 2;

/** The program, its memory shared if it has one with a limit. */
export function sharing(program: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(program);
  // After the eight bytes of a heading sections follow, each a byte that says which, its size and its contents.
  let at = 8;
  while (at < bytes.length) {
    const section = bytes[at] as number;
    let size = 0;
    let shift = 0;
    do {
      at += 1;
      size += ((bytes[at] as number) & 127) << shift;
      shift += 7;
    } while ((bytes[at] as number) & 128);
    at += 1;
    // How many memories, then the bits of the first.
    if (section === MEMORY && bytes[at + 1] === LIMITED) {
      bytes[at + 1] = LIMITED | SHARED;
    }
    at += size;
  }
  return bytes;
}
