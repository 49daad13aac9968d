/**
 * The applications that keep MCP servers in a file of their own: where that file is on each system, what it is written
 * in, and how it words an entry. All that is known of other programs is in this table and in `dialects.ts`.
 */
import { homedir } from "node:os";
import { posix, win32 } from "node:path";

/** How one application words its entries. */
export interface Dialect {
  /** How a value refers to a variable: not at all, or in one of these forms. */
  readonly references: "none" | "shell" | "env" | "braces" | "secrets";
  /** What a bare `timeout` counts; null: it is no time-out of a request. */
  readonly timeout: "ms" | "s" | null;
  /** An address without a type is spoken to in the old way. */
  readonly urlIsSse?: true;
  /** The entry for a program. */
  program(argv: readonly string[]): Readonly<Record<string, unknown>>;
  /** The entry for an address; null: it can only start programs. */
  readonly address: ((url: string) => Readonly<Record<string, unknown>>) | null;
}

export interface Application {
  /** The word for it on the command line. */
  readonly id: string;
  readonly title: string;
  readonly format: "json" | "toml" | "yaml";
  /** Where the servers stand in the file. */
  readonly key: readonly string[];
  /** They are members by name, or a list whose items have names. */
  readonly shape: "map" | "list";
  readonly dialect: Dialect;
  /** Files that it may have, the usual one last; `{home}`, `{config}`, `{data}` and `{$VAR}` begin them. */
  readonly places: readonly string[];
  /** The same on Windows, where that is elsewhere. */
  readonly windows?: readonly string[];
}

const split = ([command = "", ...args]: readonly string[]) => ({ command, args });
const typed = (argv: readonly string[]) => ({ type: "stdio", ...split(argv) });
const addressed = (url: string) => ({ url });
const httpTyped = (url: string) => ({ type: "http", url });

const dialect = (more: Partial<Dialect>): Dialect => Object.freeze({ references: "none", timeout: null, program: split, address: addressed, ...more });

/** `mcpServers` as Claude Desktop introduced it: command, args, env. */
const plain = dialect({ address: null });
// ${env:NAME}; a type is not needed (cursor.com/docs/context/mcp).
const cursor = dialect({ references: "env" });
// type stdio, http or sse; ${env:NAME}, ${input:id}; `servers` and not `mcpServers` (code.visualstudio.com, MCP configuration reference).
const vscode = dialect({ references: "env", program: typed, address: httpTyped });
// Cline and Roo Code: time-outs in seconds, and each has its own word for the same transport.
const cline = dialect({ references: "env", timeout: "s", address: (url) => ({ type: "streamableHttp", url }) });
const roo = dialect({ references: "env", timeout: "s", address: (url) => ({ type: "streamable-http", url }) });
// url is HTTP+SSE, httpUrl Streamable HTTP; $NAME and ${NAME} (Gemini CLI, docs: MCP servers).
const gemini = dialect({ references: "shell", timeout: "ms", urlIsSse: true, address: (url) => ({ httpUrl: url }) });
// Goose: an extension is a server if its type is stdio, sse or streamable_http; others are its own.
const goose = dialect({
  timeout: "s",
  program: (argv) => ({ enabled: true, type: "stdio", name: "1mcp", cmd: argv[0] ?? "", args: argv.slice(1), envs: {}, timeout: 300 }),
  address: (uri) => ({ enabled: true, type: "streamable_http", name: "1mcp", uri, envs: {}, headers: {}, timeout: 300 }),
});

const app = (id: string, title: string, places: readonly string[], more: Partial<Application> = {}): Application =>
  Object.freeze({ id, title, format: "json", key: Object.freeze(["mcpServers"]), shape: "map", dialect: plain, places: Object.freeze(places), ...more });

/** Every application that is known, in the order in which they are listed. */
export const applications: readonly Application[] = Object.freeze([
  app("claude-desktop", "Claude Desktop", ["{data}/Claude/claude_desktop_config.json"]),
  // User scope alone: servers of single projects stand below `projects`. ${VAR} and ${VAR:-default}; a folder of its own by CLAUDE_CONFIG_DIR.
  app("claude-code", "Claude Code", ["{$CLAUDE_CONFIG_DIR}/.claude.json", "{home}/.claude.json"], { dialect: dialect({ references: "shell", timeout: "ms", program: typed, address: httpTyped }) }),
  app("cursor", "Cursor", ["{home}/.cursor/mcp.json"], { dialect: cursor }),
  app("vscode", "Visual Studio Code", ["{data}/Code/User/mcp.json"], { dialect: vscode, key: Object.freeze(["servers"]) }),
  app("vscode-insiders", "Visual Studio Code Insiders", ["{data}/Code - Insiders/User/mcp.json"], { dialect: vscode, key: Object.freeze(["servers"]) }),
  // A remote server has serverUrl; url is not read.
  app("windsurf", "Windsurf", ["{home}/.codeium/windsurf/mcp_config.json"], { dialect: dialect({ references: "env", address: (url) => ({ serverUrl: url }) }) }),
  app("cline", "Cline", ["{data}/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json"], { dialect: cline }),
  app("roo-code", "Roo Code", ["{data}/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json"], { dialect: roo }),
  app("kilo-code", "Kilo Code", ["{data}/Code/User/globalStorage/kilocode.kilo-code/settings/mcp_settings.json"], { dialect: roo }),
  // JSON with comments; older entries hold the program in an object (zed.dev/docs/ai/mcp).
  app("zed", "Zed", ["{config}/zed/settings.json"], { windows: ["{data}/Zed/settings.json"], key: Object.freeze(["context_servers"]), dialect: dialect({}) }),
  // [mcp_servers.NAME]; a token only as the name of a variable (Codex, docs: config, mcp_servers).
  app("codex", "Codex", ["{$CODEX_HOME}/config.toml", "{home}/.codex/config.toml"], { format: "toml", key: Object.freeze(["mcp_servers"]), dialect: dialect({}) }),
  app("gemini-cli", "Gemini CLI", ["{home}/.gemini/settings.json"], { dialect: gemini }),
  app("qwen-code", "Qwen Code", ["{home}/.qwen/settings.json"], { dialect: gemini }),
  // JetBrains' agent starts programs only. (AI Assistant keeps its servers inside the IDE's own settings.)
  app("junie", "JetBrains Junie", ["{home}/.junie/mcp/mcp.json"]),
  // A list whose items have names; ${{ secrets.NAME }} (docs.continue.dev, config.yaml reference).
  app("continue", "Continue", ["{home}/.continue/config.yaml"], {
    format: "yaml",
    shape: "list",
    dialect: dialect({ references: "secrets", program: (argv) => ({ name: "1mcp", ...split(argv) }), address: (url) => ({ name: "1mcp", type: "streamable-http", url }) }),
  }),
  // command is the program with its arguments; {env:NAME} (opencode.ai/docs/mcp-servers). On Windows it looks below the home folder too.
  app("opencode", "opencode", ["{config}/opencode/opencode.jsonc", "{config}/opencode/opencode.json"], {
    windows: ["{home}/.config/opencode/opencode.jsonc", "{home}/.config/opencode/opencode.json"],
    key: Object.freeze(["mcp"]),
    dialect: dialect({ references: "braces", program: (argv) => ({ type: "local", command: [...argv], enabled: true }), address: (url) => ({ type: "remote", url, enabled: true }) }),
  }),
  app("augment-code", "Augment (Auggie)", ["{home}/.augment/settings.json"], { dialect: dialect({ program: split, address: httpTyped }) }),
  app("copilot-cli", "GitHub Copilot CLI", ["{home}/.copilot/mcp-config.json"], {
    dialect: dialect({ program: (argv) => ({ type: "local", ...split(argv), tools: ["*"] }), address: (url) => ({ type: "http", url, tools: ["*"] }) }),
  }),
  app("goose", "Goose", ["{config}/goose/config.yaml"], { windows: ["{data}/Block/goose/config/config.yaml"], format: "yaml", key: Object.freeze(["extensions"]), dialect: goose }),
  app("lm-studio", "LM Studio", ["{home}/.lmstudio/mcp.json"], { dialect: dialect({}) }),
  app("kiro", "Kiro", ["{home}/.kiro/settings/mcp.json"], { dialect: dialect({ references: "shell" }) }),
  app("amazon-q", "Amazon Q Developer CLI", ["{home}/.aws/amazonq/mcp.json"], { dialect: dialect({ timeout: "ms" }) }),
]);

/** Applications whose file is not for others to write, and what a person does there. */
export const manualApplications: readonly { readonly id: string; readonly title: string; readonly how: string }[] = Object.freeze([
  Object.freeze({ id: "cherry-studio", title: "Cherry Studio", how: "Settings, MCP servers, import from JSON" }),
  Object.freeze({ id: "jetbrains-ai", title: "JetBrains AI Assistant", how: "Settings, Tools, AI Assistant, Model Context Protocol, add as JSON" }),
]);

type Env = Readonly<Record<string, string | undefined>>;

/** The files that the application may have on this system, absolute, the usual one last. */
export function placesOf(application: Application, env: Env, platform: NodeJS.Platform = process.platform): readonly string[] {
  const path = platform === "win32" ? win32 : posix;
  const folders = foldersOf(env, platform);
  const all = platform === "win32" ? (application.windows ?? application.places) : application.places;
  const found = all.flatMap((place) => {
    const [, start = "", rest = ""] = /^\{([^}]*)\}(.*)$/.exec(place) ?? [];
    const isNamed = start.startsWith("$");
    const folder = isNamed ? env[start.slice(1)] : folders[start];
    return folder === undefined || folder === "" ? [] : [{ isNamed, file: path.join(folder, rest) }];
  });
  // Who has named a folder by a variable looks nowhere else, be there a file in it or not.
  const named = found.filter(({ isNamed }) => isNamed);
  return (named.length > 0 ? named : found).map(({ file }) => file);
}

function foldersOf(env: Env, platform: NodeJS.Platform): Readonly<Record<string, string>> {
  if (platform === "win32") {
    const home = env["USERPROFILE"] || homedir();
    const data = env["APPDATA"] || win32.join(home, "AppData", "Roaming");
    return { home, data, config: data };
  }
  const home = env["HOME"] || homedir();
  const config = env["XDG_CONFIG_HOME"] || posix.join(home, ".config");
  // Programs of the command line look into ~/.config on macOS too; those with windows do not.
  return { home, config, data: platform === "darwin" ? posix.join(home, "Library", "Application Support") : config };
}
