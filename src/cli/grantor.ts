/**
 * Who can be asked about grants: the running server, over the operator's socket; where none runs, its database. Both look
 * alike from here.
 */
import type { AuthOperator, GrantInfo, NewToken, PinnedClient, Report, ShownClient } from "../compose/index.ts";
import { configText, parseDocument } from "../config/index.ts";
import { configPathOf, membersOf, pathOf, stateDirOf } from "./configPath.ts";
import type { Occasion } from "./occasion.ts";
import { askOperator, askRunning, silentFault } from "./operator.ts";
import { version } from "./version.ts";

/** A grant, and the token that was made for it. */
export interface Issued {
  readonly grant: GrantInfo;
  readonly token: string;
}

/** What throws does so as `AuthOperator` says, and with SERVER_AWAY. */
export interface Grantor extends AsyncDisposable {
  grants(): Promise<readonly GrantInfo[]>;
  /** The names of the servers that there are; null: nobody can tell. */
  servers(): Promise<readonly string[] | null>;
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
  if (found.kind === "silent") throw silentFault(found.why);
  return found.kind === "none" ? atRest(occasion) : running(occasion);
}

const running = (occasion: Occasion): Grantor => ({
  grants: async () => (await askRunning<{ readonly grants: readonly GrantInfo[] }>(occasion, "GET", "/auth/grants")).grants,
  servers: async () => (await askRunning<Report>(occasion, "GET", "/status")).servers.map(({ name }) => name),
  create: (token) => askRunning(occasion, "POST", "/auth/tokens", { body: token }),
  rotate: (id) => askRunning(occasion, "POST", `/auth/tokens/${encodeURIComponent(id)}/rotate`),
  revoke: async (id) => (await askRunning<{ readonly revoked: number }>(occasion, "POST", "/auth/grants/revoke", { body: { id } })).revoked,
  setPassword: async (password) => void (await askRunning(occasion, "POST", "/auth/password", { body: { password } })),
  lookAtClient: (url) => askRunning(occasion, "POST", "/auth/clients/look", { body: { url } }),
  pinClient: async (url, digest) => void (await askRunning(occasion, "POST", "/auth/clients/pin", { body: { url, digest } })),
  pinnedClients: async () => (await askRunning<{ readonly pinned: readonly PinnedClient[] }>(occasion, "GET", "/auth/clients")).pinned,
  unpinClient: async (url) => void (await askRunning(occasion, "POST", "/auth/clients/unpin", { body: { url } })),
  [Symbol.asyncDispose]: () => Promise.resolve(),
});

async function atRest(occasion: Occasion): Promise<Grantor> {
  const { settings, env, stderr } = occasion;
  // Whoever asks a running server needs nothing of what makes one.
  const { grantsAtRest } = await import("../compose/index.ts");
  const { operator, close } = await grantsAtRest({ configPath: pathOf(settings.config), stateDir: stateDirOf(occasion), env, logLevel: settings.logLevel === "info" ? "warn" : settings.logLevel, version, pretty: true, writeLog: (line) => stderr.write(`${line}\n`) });
  const ask = <T>(what: (operator: AuthOperator) => T | Promise<T>): Promise<T> => Promise.try(() => what(operator));
  return {
    grants: () => ask((it) => it.grants()),
    servers: () => namesIn(configPathOf(occasion)),
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

/** Read leniently, as for every listing; null: there is no file, or it is no JSON. */
async function namesIn(path: string): Promise<readonly string[] | null> {
  const text = await configText(path);
  const document = text === null ? null : parseDocument(text).document;
  return document === null ? null : Object.keys(membersOf(membersOf(document.value)["mcpServers"]));
}
