/**
 * What may be asked beside MCP. Without a token, and without our name for it (a load balancer asks by address): whether the
 * door is open, and whether calls can be served, one word each. With a token that may: health in the known shapes, and
 * numbers. A token that is not valid, or may not, is refused, as everywhere.
 */
import { type Clock, type Fault, type Format, formatTypes } from "../base/index.ts";
import { type About, healthOf, type HubStatus, mcpHealthOf, serverFactsOf } from "../hub/index.ts";

const jsonHeaders = Object.freeze({ "Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" });

/** What the running proxy tells, asked anew each time. */
export interface Facts {
  status(): HubStatus;
  about(): About;
  numbers(format: Format): string;
}

export interface StatusOptions {
  readonly facts: Facts;
  readonly clock: Clock;
  /** Nothing is asked of anybody. */
  readonly isOpen: boolean;
  /** Why nothing but a word is for whoever sent this request, whatever token he has; null: nothing speaks against it. */
  foreign(request: Request): Fault | null;
  /** Null: whoever sent it may read how we are. */
  refusedReader(request: Request): Response | null | Promise<Response | null>;
  refuse(why: Fault, request: Request): Response;
}

/** Reading how the proxy is. */
export const readScope = "admin:read";

/** The answers of one listener. */
export class StatusPages {
  readonly #options: StatusOptions;

  constructor(options: StatusOptions) {
    this.#options = options;
  }

  /** `/health`: 200 whenever the front door is up; for a stranger one word. */
  health(request: Request): Response | Promise<Response> {
    if (this.#isStranger(request)) return healthOk();
    return this.#told(request, ({ facts, clock }) => {
      const health = healthOf(facts.status(), facts.about(), clock.now());
      return json(200, health, { "X-Health-Status": health.status, "X-Service-Version": health.version, "X-Uptime-Seconds": String(health.system.uptime) });
    });
  }

  /** `/health/ready`: 200 when calls can be served, 503 while starting or draining. Nobody's token is looked at. */
  ready(): Response {
    return this.#options.facts.status().phase === "running" ? healthOk() : new Response('{"status":"unavailable"}', { status: 503, headers: jsonHeaders });
  }

  /** `/health/mcp`: the servers; 202 while any of them is on its first way. */
  servers(request: Request): Response | Promise<Response> {
    return this.#told(request, ({ facts, clock }) => {
      const health = mcpHealthOf(facts.status(), clock.now());
      const { isComplete, successRate } = health.loading;
      return json(isComplete ? 200 : 202, health, { "X-Loading-Complete": String(isComplete), "X-Success-Rate": successRate.toFixed(1) });
    });
  }

  /** `/health/mcp/<server>`: 200 when it serves, 202 while it starts, 503 while it does not, 404 where there is none of that name. */
  server(request: Request, name: string): Response | Promise<Response> {
    return this.#told(request, ({ facts, clock }) => {
      const found = facts.status().backends.find((server) => server.name === name);
      const timestamp = new Date(clock.now()).toISOString();
      if (found === undefined) return json(404, { error: "there is no server of that name", timestamp });
      const details = serverFactsOf(found);
      const status = details.healthy ? 200 : details.state === "starting" ? 202 : 503;
      return json(status, { ...details, timestamp }, { "X-Server-State": details.state });
    });
  }

  /** `/metrics`. */
  metrics(request: Request): Response | Promise<Response> {
    return this.#told(request, ({ facts }) => numbers(facts, request.headers.get("accept")));
  }

  // Who shows nothing is a stranger; where nothing is asked for, a page that rebound its name could read everything.
  #isStranger(request: Request): boolean {
    const { isOpen, foreign } = this.#options;
    return request.headers.get("authorization") === null && (!isOpen || foreign(request) !== null);
  }

  async #told(request: Request, answer: (options: StatusOptions) => Response): Promise<Response> {
    const options = this.#options;
    const refused = await options.refusedReader(request);
    if (refused !== null) return refused;
    const why = options.foreign(request);
    return why === null ? answer(options) : options.refuse(why, request);
  }
}

/** `/health/live`: 200 whenever the front door is up. */
export const healthOk = (): Response => new Response('{"status":"ok"}', { headers: jsonHeaders });

/** A JSON answer that nobody keeps. */
export const json = (status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Response => new Response(JSON.stringify(value), { status, headers: { ...jsonHeaders, ...headers } });

/** The numbers, in the format that was asked for. */
export function numbers(facts: Pick<Facts, "numbers">, accept: string | null): Response {
  const format = formatOf(accept);
  return new Response(facts.numbers(format), { headers: { "Content-Type": formatTypes[format], "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" } });
}

/** Examples exist in OpenMetrics only, so it is given to whoever likes it at least as much. */
function formatOf(accept: string | null): Format {
  const open = liking(accept, /^application\/openmetrics-text$/);
  return open > 0 && open >= liking(accept, /^(text\/plain|text\/\*)$/) ? "openmetrics" : "prometheus";
}

/** The quality that `Accept` gives to a type (RFC 9110, 12.4.2); 0 where it is not named. */
function liking(accept: string | null, type: RegExp): number {
  const named = (accept ?? "").split(",").map((one) => one.trim().toLowerCase().split(/\s*;\s*/));
  const qualities = named.filter(([name = "", ...parameters]) => type.test(name) && isOurVersion(parameters)).map(([, ...parameters]) => Number(parameters.find((one) => one.startsWith("q="))?.slice(2) ?? 1));
  return Math.max(0, ...qualities.filter((quality) => quality >= 0));
}

const isOurVersion = (parameters: readonly string[]): boolean => parameters.every((one) => !one.startsWith("version=") || /^version="?(1\.0\.0|0\.0\.4)"?$/.test(one));

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>1mcp</title>
<h1>1mcp</h1>
<p>This is one door to many MCP servers. Point an MCP client at <code>/mcp</code> here, with the bearer token of this
installation; <code>/mcp/&lt;server&gt;</code> is one server alone.</p>
</html>
`;

/** `/`: what this is, for a person who opened the address in a browser. */
export const frontPage = (): Response =>
  new Response(page, {
    headers: {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'",
      "X-Content-Type-Options": "nosniff",
      "X-Frame-Options": "DENY",
      "Referrer-Policy": "no-referrer",
    },
  });

/** Every other path. */
export const notFound = (): Response => new Response("not found\n", { status: 404, headers: { "Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff" } });
