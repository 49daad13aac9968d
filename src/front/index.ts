/** Front: the doors to the outside; bytes in, bytes out. */
export { createFront } from "./app.ts";
export { type ByteSink, createStdioFront, type StdioFront } from "./stdio.ts";
export type { Front, FrontOptions, Listen } from "./types.ts";
