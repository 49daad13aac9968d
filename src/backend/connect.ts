/**
 * A caller's own login at a server where everybody has his own: whose is missing, is asked to open a page of ours (an
 * elicitation by URL), and his call goes on when he has logged in there. The client hears of the page and nothing else:
 * what comes of the login stays with us.
 */
import { type Clock, type Fault, fault, faultOf, type Limits } from "../base/index.ts";
import { type Call, emptyObject, type Outcome, parseObject, quote, stringOf } from "../protocol/index.ts";
import type { Backend } from "./backend.ts";
import type { RemoteLogin } from "../auth/index.ts";

export interface ConnectOptions {
  readonly clock: Clock;
  readonly limits: Limits;
}

/** Runs a call; where that fails for want of the caller's login, asks for it and runs it once more. Throws what `run` throws. */
export async function connected(instance: Backend, call: Call, run: () => Promise<Outcome>, options: ConnectOptions): Promise<Outcome> {
  try {
    return await run();
  } catch (thrown) {
    const missing = faultOf(thrown);
    const { login } = instance;
    const page = missing.code === "LOGIN_NEEDED" ? (login?.page() ?? null) : null;
    if (login === null || page === null) throw missing;
    await asked(login, page, call, missing, options);
    await instance.settledAnew(options.limits.readyMsMax, call.cancel);
    return run();
  }
}

/** Resolves when the caller has logged in. Throws LOGIN_NEEDED, with the page's address, where he does not. */
async function asked(login: RemoteLogin, page: string, call: Call, missing: Fault, { clock, limits }: ConnectOptions): Promise<void> {
  const done = Promise.withResolvers<boolean>();
  const unhook = login.onChanged(() => (login.needed ? undefined : done.resolve(true)));
  const unhookCancel = call.cancel.onCancel(() => done.resolve(false));
  const timer = clock.timer(limits.connectMsMax, () => done.resolve(false));
  try {
    const agreed = await invited(page, call, missing, limits);
    if (agreed && (await done.promise)) return;
  } finally {
    unhook();
    unhookCancel();
    timer.cancel();
  }
  throw withPage(missing, page);
}

/** Whether the client will show the page; false where it cannot, or its user will not. */
async function invited(page: string, call: Call, missing: Fault, limits: Limits): Promise<boolean> {
  const backend = missing.backend ?? "";
  const message = `Log in at ${backend} to use it: your client opens a page of 1mcp for that.`;
  const params = parseObject(`{"mode":"url","message":${quote(message)},"url":${quote(page)},"elicitationId":${quote(crypto.randomUUID())}}`, limits);
  const answer = await call.ask({ kind: "elicitation", params: params ?? emptyObject, backend, cancel: call.cancel }).catch(() => null);
  if (answer === null || !answer.ok) return false;
  const result = parseObject(answer.result, limits);
  return result !== null && stringOf(result, "action") === "accept";
}

const withPage = (missing: Fault, page: string): Fault => {
  const { backend } = missing;
  const hint = `open ${page} and call again`;
  return fault("LOGIN_NEEDED", { ...(backend === undefined ? {} : { backend }), detail: hint, hint, data: { sent: false, url: page } });
};
