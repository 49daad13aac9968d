/**
 * Who can be asked about grants: the running server, over the operator's socket; where none runs, its database. Both look
 * alike from here.
 */
import { resolve } from "node:path";
import { defaultLimits, fault } from "../base/index.ts";
import type { AuthOperator, GrantInfo, NewToken, PinnedClient, ShownClient } from "../compose.ts";
import { defaultStateDir } from "../config/index.ts";
import type { Occasion } from "./occasion.ts";
import { askOperator } from "./operator.ts";
import { version } from "./version.ts";

/** A grant, and the token that was made for it. */
export interface Issued {
  readonly grant: GrantInfo;
  readonly token: string;
}

/** What throws does so as `AuthOperator` says, and with SERVER_AWAY. */
export interface Grantor extends AsyncDisposable {
  grants(): Promise<readonly GrantInfo[]>;
  create(token: NewToken): Promise<Issued>;
  rotate(id: string): Promise<Issued>;
  revoke(id: string | "all"): Promise<number>;
  setPassword(password: string | null): Promise<void>;
  lookAtClient(url: string): Promise<ShownClient>;
  pinClient(url: string, digest: string): Promise<void>;
  pinnedClients(): Promise<readonly PinnedClient[]>;
  unpinClient(url: string): Promise<void>;
}

/** The one to be asked now. Throws SERVER_AWAY for a server that lives and does not answer, and what opening the database throws. */
export async function grantorOf(occasion: Occasion): Promise<Grantor> {
  const found = await askOperator<unknown>(occasion, "GET", "/auth/grants");
  if (found.kind === "silent") throw fault("SERVER_AWAY", { detail: found.why, hint: "try again in a moment" });
  return found.kind === "none" ? atRest(occasion) : running(occasion);
}

/** The running server's answer. Throws SERVER_AWAY, and what it refused it with. */
export async function askRunning<T>(occasion: Occasion, method: "GET" | "POST", path: string, body?: object): Promise<T> {
  const asked = await askOperator<T>(occasion, method, path, defaultLimits.operatorMsMax, body);
  if (asked.kind === "answer") return asked.value;
  throw fault("SERVER_AWAY", asked.kind === "silent" ? { detail: asked.why } : {});
}

const running = (occasion: Occasion): Grantor => ({
  grants: async () => (await askRunning<{ readonly grants: readonly GrantInfo[] }>(occasion, "GET", "/auth/grants")).grants,
  create: (token) => askRunning(occasion, "POST", "/auth/tokens", token),
  rotate: (id) => askRunning(occasion, "POST", `/auth/tokens/${encodeURIComponent(id)}/rotate`),
  revoke: async (id) => (await askRunning<{ readonly revoked: number }>(occasion, "POST", "/auth/grants/revoke", { id })).revoked,
  setPassword: async (password) => void (await askRunning(occasion, "POST", "/auth/password", { password })),
  lookAtClient: (url) => askRunning(occasion, "POST", "/auth/clients/look", { url }),
  pinClient: async (url, digest) => void (await askRunning(occasion, "POST", "/auth/clients/pin", { url, digest })),
  pinnedClients: async () => (await askRunning<{ readonly pinned: readonly PinnedClient[] }>(occasion, "GET", "/auth/clients")).pinned,
  unpinClient: async (url) => void (await askRunning(occasion, "POST", "/auth/clients/unpin", { url })),
  [Symbol.asyncDispose]: () => Promise.resolve(),
});

async function atRest({ settings, env, stderr }: Occasion): Promise<Grantor> {
  // Whoever asks a running server needs nothing of what makes one.
  const { grantsAtRest } = await import("../compose.ts");
  const stateDir = settings.stateDir === null ? defaultStateDir(env) : resolve(settings.stateDir);
  const configPath = settings.config === null ? null : resolve(settings.config);
  const { operator, close } = await grantsAtRest({ configPath, stateDir, env, logLevel: settings.logLevel === "info" ? "warn" : settings.logLevel, version, pretty: true, writeLog: (line) => stderr.write(`${line}\n`) });
  const ask = <T>(what: (operator: AuthOperator) => T | Promise<T>): Promise<T> => Promise.try(() => what(operator));
  return {
    grants: () => ask((it) => it.grants()),
    create: (token) => ask((it) => it.createToken(token)),
    rotate: (id) => ask((it) => it.rotateToken(id)),
    revoke: (id) => ask((it) => it.revoke(id)),
    setPassword: (password) => ask((it) => it.setPassword(password)),
    lookAtClient: (url) => ask((it) => it.lookAtClient(url)),
    pinClient: (url, digest) => ask((it) => it.pinClient(url, digest)),
    pinnedClients: () => ask((it) => it.pinnedClients()),
    unpinClient: (url) => ask((it) => it.unpinClient(url)),
    [Symbol.asyncDispose]: close,
  };
}
