/**
 * Puts the parts together, and is the only place that does: configuration, hub, backends, eras, guard and listener of
 * one running proxy. Nothing here decides anything that a room could decide.
 */
import { createOpenGuard, createTokenGuard, stateKeys } from "./auth/index.ts";
import { createPool } from "./backend/index.ts";
import { createLog, ensurePrivateDir, Fault, fault, type Log, type LogLevelName, systemClock } from "./base/index.ts";
import { type Config, defaultConfigPath, demoConfig, emptyConfig, type Issue, type Loaded, loadConfig, watchConfig } from "./config/index.ts";
import { createEras } from "./era/index.ts";
import { createFront } from "./front/index.ts";
import { createHub, type Hub, type HubStatus } from "./hub/index.ts";

export interface StartOptions {
  /** The configuration file that was asked for; null: the default place, or the demonstration when there is none. */
  readonly configPath: string | null;
  readonly host: string | null;
  readonly port: number | null;
  readonly stateDir: string;
  readonly logLevel: LogLevelName;
  readonly insecureNoAuth: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How this program is started again for the demonstration server: command and leading arguments. */
  readonly selfArgv: readonly string[];
  readonly version: string;
  /** Takes one finished log line. */
  readonly writeLog: (line: string) => void;
  /** Log lines for people rather than for programs. */
  readonly pretty: boolean;
}

/** A proxy that listens. */
export interface Running {
  /** The address of the endpoint that shows all servers. */
  readonly url: string;
  /** The file that holds the bearer token; null without authentication. */
  readonly tokenPath: string | null;
  /** The configuration file in use; null for the demonstration. */
  readonly configPath: string | null;
  /** Reads the configuration again now. */
  reload(): void;
  status(): HubStatus;
  /** Stops listening, drains, ends every child. Closing twice is fine. */
  close(): Promise<void>;
}

/** A configuration that cannot be started with; `issues` has every reason, with line and column. */
export class ConfigFault extends Fault {
  readonly issues: readonly Issue[];
  readonly path: string;

  constructor(path: string, issues: readonly Issue[]) {
    super("CONFIG_INVALID", { detail: `${path}: ${issues.length} ${issues.length === 1 ? "issue" : "issues"}` });
    this.path = path;
    this.issues = issues;
  }
}
