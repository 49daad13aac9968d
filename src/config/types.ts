/** What the rest of the program sees of the configuration: frozen, checked, every default filled in. */
import type { Limits, Secret } from "../base/index.ts";
import type { AccessConfig } from "./access.ts";
import type { TagQuery } from "./filter.ts";
import type { RemoteOAuth } from "./login.ts";
import type { Sandbox } from "./sandbox.ts";
import type { ToolRules } from "./tools.ts";

/** One thing that is wrong with a configuration, and where. */
export interface Issue {
  /** Path of the value: ["mcpServers", "github", "env", "TOKEN"]. */
  readonly path: readonly (string | number)[];
  /** One-based; 0 where there is no place. */
  readonly line: number;
  readonly column: number;
  /** One sentence; never holds a value that could be secret. */
  readonly message: string;
  /** "did you mean …", or what to do. */
  readonly hint: string | null;
  /** It is used all the same, but must not stay so. */
  readonly isGrave?: true;
  /** The server that this issue alone puts out; null: the whole configuration is refused. */
  readonly server: string | null;
}

interface BackendCommon {
  /** The key in mcpServers. */
  readonly name: string;
  readonly tags: readonly string[];
  readonly disabled: boolean;
  /** Era probing: auto, or fixed by the operator. */
  readonly era: "auto" | "modern" | "legacy";
  readonly isolation: "shared" | "principal" | "session";
  /** It is another proxy of our kind, with sessions of its own: one of ours is one of its, not only what we keep apart. */
  readonly isBridged?: true;
  /** It comes from a template, filled in for one project. */
  readonly isFilled?: true;
  /** Replaces the server part of public names; "" for none; null: the name. */
  readonly prefix: string | null;
  /** Local names of tools that are neither listed nor callable. */
  readonly disabledTools: readonly string[];
  /** Which of its tools there are, and under what names; null: all, as they are. */
  readonly tools: ToolRules | null;
  readonly instructionOverride: string | null;
  /** Who is not granted it does not learn that it is there. */
  readonly hidden: boolean;
  /** Wait for start, handshake and lists. */
  readonly connectMs: number;
  /** Wait for the answer to one request. */
  readonly requestMs: number;
  /** The same for single methods. */
  readonly methodMs: Readonly<Record<string, number>>;
  /** Progress puts the end of that wait off, but never beyond so long after the call was made. */
  readonly totalMs: number;
  /** "eager": started with the configuration, and kept. "on-demand": started by the first call, and stopped when idle. */
  readonly start: "eager" | "on-demand";
  /** On demand: stopped after so long without anything to do. */
  readonly idleMs: number;
  /** What comes of a definition that is not as it was trusted. */
  readonly pin: "off" | "warn" | "block";
  /** Calls that may be under way at this server at once. */
  readonly maxInFlight: number;
  /** Values from its entry that must not be seen in any text: for the log's book of known secrets. */
  readonly secrets: readonly Secret[];
  /** Why this server alone cannot run (a missing variable, say); null when it can. */
  readonly issue: Issue | null;
  /** Hash of everything that reaches the process or connection: equal means the same process goes on. */
  readonly fingerprint: string;
  /** How often the operator has had it begun anew: another number is another process. Absent: never. */
  readonly life?: number;
}

export interface StdioSpec extends BackendCommon {
  readonly kind: "stdio";
  readonly command: string;
  readonly args: readonly (string | Secret)[];
  /** The declared variables only; the safe default set is added at the start of the child. */
  readonly env: Readonly<Record<string, string | Secret>>;
  readonly cwd: string | null;
  readonly inheritParentEnv: boolean;
  readonly sandbox: Sandbox;
}

/** Certificates of a remote server's connections, in PEM. */
export interface RemoteCertificates {
  /** What we show: certificate and key; null: nothing. */
  readonly own: { readonly cert: string | Secret; readonly key: Secret } | null;
  /** Who alone may have issued the server's; null: whom the system trusts. */
  readonly ca: string | Secret | null;
}

export interface RemoteSpec extends BackendCommon {
  readonly kind: "remote";
  /** May hold a secret in its query; use `reveal` only where it is fetched. */
  readonly url: Secret;
  /** Origin and path of the URL, fit to print. */
  readonly shownUrl: string;
  readonly transport: "auto" | "http" | "sse";
  readonly headers: Readonly<Record<string, string | Secret>>;
  /** Null: nothing is shown, and the system's trust counts. */
  readonly certificates: RemoteCertificates | null;
  /** How we log in there; null where a configured header does that. */
  readonly oauth: RemoteOAuth | null;
  /** Whose login is used: the operator's for everybody, or each caller's own. */
  readonly credentials: "shared" | "per-user";
}

export type BackendSpec = StdioSpec | RemoteSpec;

/** A selection with a name. */
export interface Preset {
  readonly name: string;
  readonly description: string | null;
  /** In canonical form. */
  readonly filter: string;
  readonly query: TagQuery;
}

/** One whole configuration. */
export interface Config {
  /** Absolute path of the file; null for the built-in demonstration. */
  readonly path: string | null;
  /** In the order of the file. */
  readonly backends: readonly BackendSpec[];
  readonly names: { readonly separator: string };
  /** Replaces what all servers together say of themselves; "" for nothing; null: their own words. */
  readonly instructions: string | null;
  /** The same as a template with what the servers say in it; null: none is in use. */
  readonly instructionTemplate: string | null;
  readonly limits: Limits;
  readonly host: string | null;
  readonly port: number | null;
  readonly publicUrl: string | null;
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
  /** Addresses and ranges, as 10.0.0.0/8. */
  readonly trustedProxies: readonly string[];
  /** Absolute paths of the files to serve TLS with; null: plain HTTP. */
  readonly tls: TlsFiles | null;
  /** Who may call us. */
  readonly auth: AccessConfig;
  readonly audit: {
    /** Relative to the state folder, or absolute; null: nothing is written down. */
    readonly file: string | null;
    readonly bytesMax: number;
    readonly filesMax: number;
    /** Each tool call has a line. */
    readonly calls: boolean;
  };
  /** Which clients are served: of any era, or of the modern one alone. */
  readonly clientEra: "any" | "modern";
  /** By name, in the order of the file. */
  readonly presets: ReadonlyMap<string, Preset>;
  /** What clients of all servers are shown of tools: all of them, or the pair that finds and calls them. */
  readonly catalog: "full" | "search";
  readonly pageSize: number | null;
}

/** The files that TLS is served with. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  /** Who may issue clients' certificates; null: nobody. */
  readonly ca: string | null;
  /** Clients without a certificate are not let in. */
  readonly requestCert: boolean;
}

/** The result of reading a configuration: usable (perhaps with servers put out), or all issues. */
export type Loaded =
  | { readonly ok: true; readonly config: Config; readonly hash: string; readonly warnings: readonly Issue[] }
  | { readonly ok: false; readonly issues: readonly Issue[]; readonly hash: string | null };
