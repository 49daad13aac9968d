/**
 * What a child sees of our environment: by default only what programs need to find their way (never our secrets), and
 * in no case the variables that load code into it or steer the runtime that we are built on.
 */
import { markVariable, reveal } from "../base/index.ts";
import type { StdioSpec } from "../config/index.ts";

type Variables = Readonly<Record<string, string | undefined>>;

const safe: readonly string[] = Object.freeze([
  ...["PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "LANG", "LANGUAGE", "TZ", "TMPDIR", "XDG_RUNTIME_DIR"],
  ...["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"],
  ...["SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"],
  // Windows: without these a program does not even start.
  ...["APPDATA", "COMSPEC", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "PATHEXT", "PROGRAMDATA", "PROGRAMFILES"],
  ...["SYSTEMDRIVE", "SYSTEMROOT", "TEMP", "TMP", "USERNAME", "USERPROFILE", "WINDIR"],
]);

const isSafe = (name: string): boolean => {
  const upper = name.toUpperCase();
  return safe.includes(upper) || upper.startsWith("LC_");
};

// Ours, and those that make a program load foreign code: an operator may declare them for one server, nobody inherits them.
const isBarred = (name: string): boolean => /^(BUN_|LD_|DYLD_|ONE_MCP_|NODE_OPTIONS$)/i.test(name);

/** The whole environment of one child: what it may inherit of `parent`, then what is declared for it, and by `mark` whose child it is. */
export function environmentOf(spec: Pick<StdioSpec, "env" | "inheritParentEnv">, parent: Variables, mark: string): Record<string, string> {
  const result = inheritedOf(spec, parent);
  for (const [name, value] of Object.entries(spec.env)) result[name] = reveal(value);
  result[markVariable] = mark;
  return result;
}

/** What a program may inherit of `parent`. */
export function inheritedOf(spec: Pick<StdioSpec, "inheritParentEnv">, parent: Variables): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(parent)) {
    if (value === undefined || isBarred(name)) continue;
    if (spec.inheritParentEnv || isSafe(name)) result[name] = value;
  }
  return result;
}
