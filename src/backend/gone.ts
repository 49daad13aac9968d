/** How a link says that it ended under a call: whether making the call again is safe must be true in data and in words. */
import { type Fault, fault } from "../base/index.ts";

/** `sent` is false only where the request certainly did not reach the server. */
export const goneFault = (backend: string, detail: string, sent: boolean): Fault =>
  fault("BACKEND_GONE", { backend, detail, data: { sent }, ...(sent ? {} : { hint: "it is restarted by itself; the call did not reach it and can be made again" }) });
