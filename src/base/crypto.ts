/**
 * Randomness and ciphers. `node:crypto` brings the runtime's streams with it, for which every start of the program would
 * pay with some milliseconds; what a start needs the runtime has by itself, and the rest is loaded when it is first used.
 */

/** So many bytes that nobody can guess. */
export const randomBytes = (count: number): Buffer<ArrayBuffer> => Buffer.from(crypto.getRandomValues(new Uint8Array(count)).buffer);

/** Keys, ciphers and signatures. */
export const nodeCrypto = (): typeof import("node:crypto") => process.getBuiltinModule("node:crypto");
