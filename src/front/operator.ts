/**
 * The operator's door: plain HTTP on a unix socket in the state folder. Whoever can open the socket is the operator, so
 * there is no token; nobody else gets as far as the first byte.
 */
import { type Clock, faultOf, type Log } from "../base/index.ts";
import { reportOf } from "../hub/index.ts";
import { place, socketPathOf } from "./socket.ts";
import { type Facts, json, notFound, numbers } from "./status.ts";

export interface OperatorOptions {
  readonly stateDir: string;
  readonly facts: Facts;
  readonly clock: Clock;
  readonly log: Log;
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
  const { server, path, remove } = await place(socketPathOf(options.stateDir, socketName), (unix) =>
    Bun.serve({
      unix,
      development: false,
      fetch: (request, own) => {
        // A reload waits for servers; who waits for it is not cut off.
        own.timeout(request, 0);
        return answer(request, options);
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

async function answer(request: Request, { facts, clock, reload }: OperatorOptions): Promise<Response> {
  switch (`${request.method} ${new URL(request.url).pathname}`) {
    case "GET /status":
      return json(200, reportOf(facts.status(), facts.about(), clock.now()));
    case "GET /metrics":
      return numbers(facts, request.headers.get("accept"));
    case "POST /reload":
      return json(200, await reload());
    default:
      return notFound();
  }
}

function failed(thrown: unknown, log: Log): Response {
  const why = faultOf(thrown);
  log.error("the operator's request failed", { code: why.code, reason: String(why.cause ?? why.message) });
  return json(500, { error: why.message });
}
