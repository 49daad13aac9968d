/**
 * What proxies are started with and what they give, and nothing that runs: the words between this room and the commands.
 */
import type { Auth, AuthOperator } from "../auth/index.ts";
import type { LogLevelName } from "../base/index.ts";
import type { Context } from "../config/index.ts";
import type { ByteSink } from "../front/index.ts";
import type { HubStatus, Reloaded } from "../hub/index.ts";

/** What every proxy is started with. */
export interface Around {
  readonly stateDir: string;
  readonly logLevel: LogLevelName;
  /** For `${VAR}` in the configuration and for what children inherit. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** Takes one finished log line without its line break. */
  readonly writeLog: (line: string) => void;
  /** Log lines for people rather than for programs. */
  readonly pretty: boolean;
}

/** What a proxy with servers of its own is started with. */
export interface ServeOptions extends Around {
  /** The configuration file that was asked for; null: the default place, or the demonstration when there is none. */
  readonly configPath: string | null;
  /** A configuration that holds secrets and that others can read is refused. Absent: it is used, and told of as an error. */
  readonly strictSecrets?: boolean;
  /** How this program is started as the demonstration server: command and arguments. */
  readonly demoArgv: readonly string[];
  /** How it is started as the watchdog, which ends the servers should this process be killed; null: it is not. */
  readonly watchdogArgv: readonly string[] | null;
  /** How it is started, to confine a server before it becomes that server's program; absent or null: servers are not confined. */
  readonly selfArgv?: readonly string[] | null;
  /** A tag expression, in canonical form, that narrows what every client sees; null, or absent: none does. */
  readonly filter?: string | null;
}

export interface StartOptions extends ServeOptions {
  /** null: what the configuration says, or the default. */
  readonly host: string | null;
  readonly port: number | null;
  readonly insecureNoAuth: boolean;
  /** The file that holds the operator's own token; null, or absent: it is made in the state folder. */
  readonly ownTokenFile?: string | null;
  /** The file that holds the password of the operator's pages; null, or absent: what the configuration says. */
  readonly operatorPasswordFile?: string | null;
  /** A successor may listen beside this one, as may any other program of the same user. Absent: no. */
  readonly sharePort?: boolean;
  /** The port to take where any free one will do: the predecessor's. */
  readonly freePort?: number;
  /** The state folder is taken from the server that owns it: this one is about to take over. Absent: it is left to its owner. */
  readonly takeover?: boolean;
}

/** The client of a proxy that does not listen. */
export interface Pipes {
  readonly input: ReadableStream<Uint8Array>;
  readonly output: ByteSink;
}

export interface StdioOptions extends ServeOptions {
  readonly pipes: Pipes;
}

export interface BridgeOptions extends Around {
  readonly pipes: Pipes;
  /** The proxy to bridge to; null: the running one of the state folder, whichever that is at the moment. */
  readonly url: string | null;
  /** What it asks for; null: the token of the state folder, if it is this machine's proxy. */
  readonly token: string | null;
  /** A tag expression that narrows what the client sees of it; null, or absent: none does. */
  readonly filter?: string | null;
  /** The project that the client works in, whose templates run beside it; null, or absent: none do. */
  readonly project?: BridgedProject | null;
  /** How long its first handshake may take. */
  readonly timeoutMs: number;
  /** Somebody is starting it, so it is worth waiting for. */
  readonly starting: () => boolean;
  /** Something is asked of it, and it is not there. */
  readonly missed: () => void;
}

/** What the templates of a configuration are filled in with, and how what they start is confined and ended. */
export interface BridgedProject extends Pick<ServeOptions, "watchdogArgv" | "selfArgv"> {
  readonly configPath: string;
  readonly context: Context;
}

/** A proxy. */
export interface Running {
  /** The configuration file in use; null for the demonstration and for a bridge. */
  readonly configPath: string | null;
  /** Looks at the configuration again now; resolves when done, with what came of it. */
  reload(): Promise<Reloaded>;
  status(): HubStatus;
  /** Stops serving, drains for so long or as short as a shutdown may take, ends every child. Closing twice is fine. */
  close(drainMs?: number): Promise<void>;
}

/** A proxy that listens. */
export interface Listening extends Running {
  /** The address of the endpoint that shows all servers. */
  readonly url: string;
  /** The file that holds the bearer token; null without authentication. */
  readonly tokenPath: string | null;
  /** How callers are known. */
  readonly authMode: Auth["mode"];
  /** Who waits for a grant, and the operator's word about it. */
  readonly requests: Pick<AuthOperator, "waiting" | "decide">;
  /** Whether the door answers within `ms`. Never throws. */
  answers(ms: number): Promise<boolean>;
  /** A successor listens on the same port: leaves new connections to it, then closes as soon as the calls of the others have ended. */
  giveWay(): Promise<void>;
}

/** A proxy with one client on its pipes. */
export interface Piped extends Running {
  /** Resolves when the client has gone, with how. */
  readonly gone: Promise<string>;
}
