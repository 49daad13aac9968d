/**
 * How a browser becomes the operator's: by his password, or by a link that he had made, which works once. The cookie that
 * it gets then opens the pages on which he decides, and no MCP endpoint.
 */
import type { Audit } from "../base/index.ts";
import { formOf, isFromUs, localPath, notice, otherVerb, page, redirect } from "./answers.ts";
import type { Attempts } from "./attempts.ts";
import type { Browser, Browsers } from "./browsers.ts";
import type { Passwords } from "./passwords.ts";
import type { Resources } from "./resources.ts";
import type { OAuthIn, OAuthOut } from "./types.ts";

export interface LoginOptions {
  readonly browsers: Browsers;
  readonly passwords: Passwords;
  readonly attempts: Attempts;
  readonly resources: Resources;
  readonly audit: Pick<Audit, "record">;
}

/** `GET` and `POST /login`. */
export async function login(request: OAuthIn, options: LoginOptions): Promise<OAuthOut> {
  if (request.method !== "GET" && request.method !== "POST") return otherVerb("GET, POST");
  if (!options.passwords.isSet) return notice(404, "There is no password", "Run `1mcp open` on the computer that 1mcp runs on, or `1mcp approve`.");
  return request.method === "GET" ? asking(options.browsers.of(request), localPath(request.query.get("next")), null) : posted(request, options);
}

async function posted(request: OAuthIn, options: LoginOptions): Promise<OAuthOut> {
  const browser = options.browsers.known(request);
  const form = formOf(request) ?? new URLSearchParams();
  const next = localPath(form.get("next"));
  const isOurs = browser !== null && form.get("handle") === browser.word("login") && isFromUs(request, options.resources.originOf(request.header("host")));
  return isOurs ? tried(request, form.get("password") ?? "", next, browser, options) : asking(options.browsers.of(request), next, "Type the password once more.", 400);
}

const asking = (browser: Browser, next: string, problem: string | null, status = 200, headers: Readonly<Record<string, string>> = {}): OAuthOut =>
  page({ name: "login", handle: browser.word("login"), problem, next }, status, { ...browser.headers, ...headers });

async function tried(request: OAuthIn, password: string, next: string, browser: Browser, { passwords, attempts, browsers, audit }: LoginOptions): Promise<OAuthOut> {
  const lockedMs = attempts.lockedMs(request.address);
  // Counted before it is known: those that are tried at once are all counted.
  if (lockedMs === 0) attempts.note(request.address);
  const isRight = lockedMs > 0 ? null : await passwords.isRight(password);
  if (isRight === true) {
    attempts.forgive(request.address);
    audit.record({ ev: "operator.login", addr: request.address, user: "operator", reason: "password" });
    return redirect(next, browsers.admit());
  }
  audit.record({ ev: isRight === null ? "operator.lock" : "operator.fail", addr: request.address, route: "POST /login", result: isRight === null ? "429" : "400" });
  if (isRight === null) return asking(browser, next, "Too many tries. Wait a while.", 429, { "Retry-After": String(Math.ceil(Math.max(lockedMs, 1000) / 1000)) });
  return asking(browser, next, "This is not the password.", 400);
}

/** `GET /open`: the link of `1mcp open`. */
export function open(request: OAuthIn, { browsers, audit }: LoginOptions): OAuthOut {
  if (request.method !== "GET") return otherVerb("GET");
  const isGood = browsers.takeLink(request.query.get("link") ?? "");
  audit.record({ ev: isGood ? "operator.login" : "operator.fail", addr: request.address, route: "GET /open", reason: "link", ...(isGood ? { user: "operator" } : { result: "400" }) });
  return isGood ? redirect("/", browsers.admit()) : notice(400, "This link does not work any more", "A link works once, for two minutes. Run `1mcp open` again.");
}
