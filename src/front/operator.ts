/**
 * The operator's door: plain HTTP on a unix socket in the state folder. Whoever can open the socket is the operator, so
 * there is no token; nobody else gets as far as the first byte.
 */
import type { AuthOperator } from "../auth/index.ts";
import { type Clock, defaultLimits, Fault, fault, type FaultCode, faultOf, type Log } from "../base/index.ts";
import { reportOf } from "../hub/index.ts";
import { readBody } from "./body.ts";
import { refusedSize } from "./guard.ts";
import { type Asked, authActions, type OperatorAction } from "./operatorAuth.ts";
import { place, socketPathOf } from "./socket.ts";
import { type Facts, json, notFound, numbers } from "./status.ts";

export interface OperatorOptions {
  readonly stateDir: string;
  readonly facts: Facts;
  readonly clock: Clock;
  readonly log: Log;
  /** What can be done about grants. */
  readonly auth: AuthOperator;
  /** What else he can ask for. */
  readonly actions?: readonly OperatorAction[];
  /** Looks at the configuration now; gives what came of it. */
  reload(): Promise<unknown>;
}

/** The door, open. */
export interface Operator {
  /** The socket's path. */
  readonly path: string;
  /** Closing twice is fine. */
  close(): Promise<void>;
}

const socketName = "operator.sock";

/** Opens the operator's door. Throws STATE_UNSAFE, STATE_UNWRITABLE, and what listening throws. */
export async function openOperator(options: OperatorOptions): Promise<Operator> {
  const actions = [...authActions(options.auth), ...(options.actions ?? [])];
  const { server, path, remove } = await place(socketPathOf(options.stateDir, socketName), (unix) =>
    Bun.serve({
      unix,
      development: false,
      fetch: (request, own) => {
        // A reload waits for servers; who waits for it is not cut off.
        own.timeout(request, 0);
        return answer(request, options, actions);
      },
      error: (thrown) => failed(thrown, options.log),
    }),
  );
  let closing: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    await remove();
    await server.stop(true);
  };
  return { path, close: () => (closing ??= close()) };
}

async function answer(request: Request, { facts, clock, reload, log }: OperatorOptions, actions: readonly OperatorAction[]): Promise<Response> {
  const { pathname } = new URL(request.url);
  switch (`${request.method} ${pathname}`) {
    case "GET /status":
      return json(200, reportOf(facts.status(), facts.about(), clock.now()));
    case "GET /metrics":
      return numbers(facts, request.headers.get("accept"));
    case "POST /reload":
      return json(200, await reload());
    default:
      return act(request, pathname, actions, log);
  }
}

async function act(request: Request, path: string, actions: readonly OperatorAction[], log: Log): Promise<Response> {
  for (const action of actions) {
    const id = action.method === request.method ? idIn(path, action.path) : null;
    if (id !== null) return await run(action, id, request).catch((thrown: unknown) => refused(thrown, log));
  }
  return notFound();
}

async function run(action: OperatorAction, id: string, request: Request): Promise<Response> {
  return json(200, await action.run({ id, body: await bodyOf(request) }));
}

/** What stands for `:id` in a path of that form; "" where it has none; null: it is another path. */
function idIn(path: string, form: string): string | null {
  const parts = path.split("/");
  const expected = form.split("/");
  if (parts.length !== expected.length || !expected.every((part, at) => part === ":id" || part === parts[at])) return null;
  try {
    return decodeURIComponent(parts[expected.indexOf(":id")] ?? "");
  } catch {
    return null; // no client of ours writes so
  }
}

async function bodyOf(request: Request): Promise<Asked["body"]> {
  const { oauthBytesMax } = defaultLimits;
  const read = refusedSize(request.headers, oauthBytesMax) ?? (await readBody(request, oauthBytesMax));
  if (read instanceof Fault) throw read;
  if (read.byteLength === 0) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(read));
  } catch (cause) {
    throw fault("PARAMS_INVALID", { detail: "the body is not JSON", cause });
  }
}

const statuses: Readonly<Partial<Record<FaultCode, number>>> = Object.freeze({ NAME_UNKNOWN: 404, PARAMS_INVALID: 400, LIMIT_REACHED: 429 });

/** What was asked for could not be done, which is no failure of ours. */
function refused(thrown: unknown, log: Log): Response {
  const why = faultOf(thrown);
  const status = statuses[why.code] ?? why.row.http;
  if (why.code === "INTERNAL" || why.row.level === "error") return failed(thrown, log);
  return json(status < 400 ? 409 : status, { error: why.message, code: why.code, hint: why.hint });
}

function failed(thrown: unknown, log: Log): Response {
  const why = faultOf(thrown);
  log.error("the operator's request failed", { code: why.code, reason: String(why.cause ?? why.message) });
  return json(500, { error: why.message });
}
