/** Front: the doors to the outside; bytes in, bytes out. */
export { createFront } from "./app.ts";
export { type ByteSink, createStdioFront, type StdioFront } from "./stdio.ts";
export { explainActions } from "./explain.ts";
export { openOperator, type Operator, type OperatorOptions } from "./operator.ts";
export { loginActions } from "./operatorLogins.ts";
export type { Asked, OperatorAction } from "./operatorAuth.ts";
export { pinActions } from "./pins.ts";
export type { Facts } from "./status.ts";
export type { Doorkeeper, Front, FrontOptions, FrontRoute, Listen, Site } from "./types.ts";
