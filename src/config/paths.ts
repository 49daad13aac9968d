/** Where the configuration and the state live when nobody says otherwise, on each platform. */
import { homedir } from "node:os";
import { posix, win32 } from "node:path";

type Env = Readonly<Record<string, string | undefined>>;

/** Where the proxy listens when neither the command line nor the file says so. */
export const defaultListen = Object.freeze({ host: "127.0.0.1", port: 3050 });

/**
 * The configuration file: `$XDG_CONFIG_HOME/1mcp/mcp.json`, else `~/.config/1mcp/mcp.json` (macOS too, where people
 * look for it), and `%APPDATA%\1mcp\mcp.json` on Windows.
 */
export function defaultConfigPath(env: Env, platform: NodeJS.Platform = process.platform): string {
  if (platform === "win32") return win32.join(windowsFolder(env, "APPDATA", "Roaming"), "1mcp", "mcp.json");
  return posix.join(unixFolder(env, "XDG_CONFIG_HOME", ".config"), "1mcp", "mcp.json");
}

/**
 * The state folder (token, last-known lists): `$XDG_STATE_HOME/1mcp`, else `~/.local/state/1mcp`, and
 * `%LOCALAPPDATA%\1mcp\state` on Windows. Apart from the configuration, which people copy and put under version control.
 */
export function defaultStateDir(env: Env, platform: NodeJS.Platform = process.platform): string {
  if (platform === "win32") return win32.join(windowsFolder(env, "LOCALAPPDATA", "Local"), "1mcp", "state");
  return posix.join(unixFolder(env, "XDG_STATE_HOME", posix.join(".local", "state")), "1mcp");
}

function unixFolder(env: Env, variable: string, fallback: string): string {
  const named = env[variable];
  // The base directory specification: a relative path there is invalid and to be ignored.
  if (named !== undefined && posix.isAbsolute(named)) return named;
  return posix.join(homeOf(env, "HOME"), fallback);
}

const windowsFolder = (env: Env, variable: string, fallback: string): string =>
  env[variable] || win32.join(homeOf(env, "USERPROFILE"), "AppData", fallback);

const homeOf = (env: Env, variable: string): string => env[variable] || homedir();
