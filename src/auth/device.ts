/**
 * Clients without a browser (RFC 8628): a device shows a code, a person types it on a page of ours, and the operator
 * decides there or on his terminal. The code is short, so few wrong ones are taken from one address, and it is never in a
 * link: whoever approves has to have seen the device.
 */
import type { Audit, Limits } from "../base/index.ts";
import { formOf, isFromUs, json, otherVerb, page, parseParameters, refused } from "./answers.ts";
import type { Attempts } from "./attempts.ts";
import { type AuthorizeOptions, shown } from "./authorize.ts";
import type { Browser } from "./browsers.ts";
import type { Resources } from "./resources.ts";
import { parseScopes } from "./scopes.ts";
import { parseCode } from "./tokens.ts";
import type { OAuthIn, OAuthOut } from "./types.ts";

export interface DeviceOptions extends AuthorizeOptions {
  readonly attempts: Attempts;
  readonly audit: Pick<Audit, "record" | "isWritable">;
}

/** `POST /device_authorization`. */
export async function deviceAuthorization(request: OAuthIn, options: DeviceOptions): Promise<OAuthOut> {
  if (request.method !== "POST") return otherVerb("POST");
  const form = formOf(request);
  const parameters = form === null ? null : parseParameters(form);
  if (parameters?.ok !== true) return refused(400, "invalid_request", "a form without repeated parameters is expected");
  const known = await options.clients.authenticate(request, parameters.values);
  if (!known.ok) return known.answer;
  const wanted = wantedOf(parameters.values, options.resources);
  if (!("scopes" in wanted)) return wanted;
  const added = options.audit.isWritable ? options.pending.addDevice({ client: known.client, resource: wanted.resource, asked: wanted.scopes, address: request.address }) : null;
  if (added === null) return refused(503, "temporarily_unavailable", "too many requests wait for the operator", { "Retry-After": "60" });
  options.audit.record({ ev: "authorize.request", addr: request.address, client: known.client.id, target: wanted.resource, need: wanted.scopes, route: "POST /device_authorization" });
  return json(200, offerOf(added, options.resources, options.limits));
}

function wantedOf(values: ReadonlyMap<string, string>, resources: Resources): { readonly scopes: readonly string[]; readonly resource: string | null } | OAuthOut {
  const target = resources.targetOf(values.get("resource"));
  if (target === null) return refused(400, "invalid_target", "the resource is not one of ours");
  const scopes = parseScopes(values.get("scope"));
  return scopes === null ? refused(400, "invalid_scope", "the scope cannot be read") : { scopes, resource: target.path };
}

const offerOf = ({ deviceCode, userCode }: { readonly deviceCode: string; readonly userCode: string }, resources: Resources, limits: Limits): object => ({
  device_code: deviceCode,
  user_code: userCode,
  verification_uri: `${resources.issuer()}/device`,
  expires_in: Math.floor(limits.approvalMsMax / 1000),
  interval: Math.ceil(limits.devicePollMs / 1000),
});

/** `GET` and `POST /device`: where the code is typed. */
export function device(request: OAuthIn, options: DeviceOptions): OAuthOut {
  const { browsers } = options;
  if (request.method === "GET") return asking(browsers.of(request), null);
  if (request.method !== "POST") return otherVerb("GET, POST");
  const browser = browsers.known(request);
  const form = formOf(request);
  const isOurs = browser !== null && form?.get("handle") === browser.word("device") && isFromUs(request, options.resources.originOf(request.header("host")));
  if (!isOurs) return asking(browsers.of(request), "Type the code once more.", 400);
  return typed(request, form.get("user_code") ?? "", browser, options);
}

const asking = (browser: Browser, problem: string | null, status = 200): OAuthOut => page({ name: "device", handle: browser.word("device"), problem }, status, browser.headers);

function typed(request: OAuthIn, text: string, browser: Browser, options: DeviceOptions): OAuthOut {
  const { attempts, pending, audit } = options;
  if (attempts.lockedMs(request.address) > 0) {
    audit.record({ ev: "ratelimit", addr: request.address, route: "POST /device", result: "429" });
    return asking(browser, "Too many wrong codes. Wait ten minutes.", 429);
  }
  const code = parseCode(text);
  const claimed = code === null ? null : pending.claim(code, browser.digest);
  const waiting = claimed === null ? null : pending.byId(claimed.id);
  if (claimed === null || waiting === null) {
    attempts.note(request.address);
    audit.record({ ev: "operator.fail", addr: request.address, route: "POST /device", result: "400", reason: "wrong code" });
    return asking(browser, "No device waits with this code.", 400);
  }
  return shown(request, waiting, claimed.handle, browser.headers, options);
}
