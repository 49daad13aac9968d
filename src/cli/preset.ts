/** `preset`: selections of servers under a name, kept in the configuration file. */
import { escapeControls, fault, nearestOf } from "../base/index.ts";
import { buildCatalog, type SelectedServer, selectedServers } from "../catalog/index.ts";
import { type Config, defaultListen, loadConfig, parseFilter, type Preset, printFilter, readPresence, type TagQuery, unknownIn } from "../config/index.ts";
import { changeConfig } from "./change.ts";
import { configPathOf, stateDirOf } from "./configPath.ts";
import type { Occasion, Run } from "./occasion.ts";
import { askOperator } from "./operator.ts";
import { issueText } from "./print.ts";
import { filterOf, queryOf } from "./selection.ts";
import { tableText } from "./table.ts";

/** Makes a preset. Throws USAGE, CONFIG_INVALID. */
export const create: Run = async (occasion) => {
  const name = nameOf(occasion);
  const { description } = occasion.settings;
  const filter = ownFilter(occasion);
  if (filter === null) throw fault("USAGE", { detail: "which servers does it select?", hint: "give it a --filter or --tags" });
  return changeConfig(occasion, escapeControls(`preset “${name}” selects ${filter}`), (file) => {
    warnOf(occasion, filter, file);
    if (presetIn(file, name) !== undefined) throw fault("USAGE", { detail: `there is a preset “${name}” already`, hint: `change it: \`1mcp preset edit ${name}\`` });
    return [{ path: ["presets", name], value: { filter, ...(description === null ? {} : { description }) } }];
  });
};

/** Changes the filter, the description or both. Throws USAGE, NAME_UNKNOWN, CONFIG_INVALID. */
export const edit: Run = async (occasion) => {
  const name = nameOf(occasion);
  const { description } = occasion.settings;
  const filter = ownFilter(occasion);
  if (filter === null && description === null) throw fault("USAGE", { detail: "what is to be changed?", hint: "give it a --filter, --tags or --description" });
  return changeConfig(occasion, escapeControls(`preset “${name}” is changed`), (file) => {
    assertThere(file, name);
    if (filter !== null) warnOf(occasion, filter, file);
    return [...(filter === null ? [] : [{ path: ["presets", name, "filter"], value: filter }]), ...(description === null ? [] : [{ path: ["presets", name, "description"], value: description }])];
  });
};

/** Takes a preset away. Throws USAGE, NAME_UNKNOWN, CONFIG_INVALID. */
export const remove: Run = async (occasion) => {
  const name = nameOf(occasion);
  return changeConfig(occasion, escapeControls(`preset “${name}” is gone; clients that ask for it are refused`), (file) => {
    assertThere(file, name);
    return [{ path: ["presets", name], value: undefined }];
  });
};

/** A line for each. Throws CONFIG_INVALID. */
export const list: Run = async (occasion) => {
  const { settings, stdout } = occasion;
  const presets = [...(await configOf(occasion)).presets.values()].map(shownPreset);
  if (settings.json) stdout.write(`${JSON.stringify(presets, null, 2)}\n`);
  else stdout.write(await tableText([["NAME", "FILTER", "DESCRIPTION"], ...presets.map(({ name, filter, description }) => [name, filter, description ?? "-"])], stdout));
  return 0;
};

/** One preset, and which servers it selects. Throws USAGE, NAME_UNKNOWN, CONFIG_INVALID. */
export const show: Run = async (occasion) => {
  const { settings, stdout } = occasion;
  const config = await configOf(occasion);
  const preset = presetOf(config, nameOf(occasion));
  const url = await urlOf(occasion, config, preset.name);
  const servers = await selectedBy(occasion, config, preset.query);
  if (settings.json) stdout.write(`${JSON.stringify({ ...shownPreset(preset), url, servers: namesOf(servers) }, null, 2)}\n`);
  else stdout.write([`${preset.name}: ${preset.filter}`, ...(preset.description === null ? [] : [preset.description]), `  url:      ${url}`, `  servers:  ${namesOf(servers).join(", ") || "none"}`].map((line) => `${escapeControls(line)}\n`).join(""));
  return 0;
};

/** Which servers a preset, or an expression, selects and which not; 1 where it selects none. Throws USAGE, NAME_UNKNOWN, CONFIG_INVALID. */
export const test: Run = async (occasion) => {
  const { settings, stdout, stderr, operand } = occasion;
  const config = await configOf(occasion);
  const typed = ownFilter(occasion);
  if ((typed === null) === (operand === null)) throw fault("USAGE", { detail: "it needs the name of a preset, or an expression", hint: "1mcp preset test NAME, or 1mcp preset test --filter EXPRESSION" });
  const query = typed === null ? presetOf(config, operand ?? "").query : queryOf(parseFilter(typed), typed, stderr, "--filter");
  const servers = await selectedBy(occasion, config, query);
  const warnings = unknownIn(query, config.backends);
  if (settings.json) stdout.write(`${JSON.stringify({ filter: printFilter(query), servers, warnings }, null, 2)}\n`);
  else {
    stdout.write(escapeControls(printFilter(query)).concat("\n"));
    stdout.write(await tableText([["SELECTED", "SERVER", "TAGS", "TOOLS"], ...servers.map(({ selected, name, tags, tools }) => [selected ? "yes" : "no", name, tags.join(", ") || "-", String(tools)])], stdout));
    for (const warning of warnings) stderr.write(`${escapeControls(`warning: ${warning}`)}\n`);
  }
  return servers.some(({ selected }) => selected) ? 0 : 1;
};

/** The address at which a client gets what a preset selects. Throws USAGE, NAME_UNKNOWN, CONFIG_INVALID. */
export const url: Run = async (occasion) => {
  const { settings, stdout } = occasion;
  const config = await configOf(occasion);
  const { name } = presetOf(config, nameOf(occasion));
  const address = await urlOf(occasion, config, name);
  stdout.write(settings.json ? `${JSON.stringify({ name, url: address }, null, 2)}\n` : `${address}\n`);
  return 0;
};

const shownPreset = ({ name, filter, description }: Preset) => ({ name, filter, description });

const namesOf = (servers: readonly SelectedServer[]): string[] => servers.filter(({ selected }) => selected).map(({ name }) => name);

function nameOf({ operand }: Occasion): string {
  if (operand === null) throw fault("USAGE", { detail: "it needs the name of a preset" });
  return operand;
}

/** What was typed, which cannot itself name a preset. */
function ownFilter(occasion: Occasion): string | null {
  const { given, settings, stderr } = occasion;
  const typed = (name: string): string | null => given.get(name) ?? null;
  // Variables that are meant for `proxy` must not be in the way, nor get into the file.
  return filterOf({ settings: { ...settings, preset: null, tags: typed("tags"), tagFilter: typed("tag-filter"), filter: typed("filter") }, given, stderr }, { allowsPresets: false });
}

const presetIn = (file: Readonly<Record<string, unknown>>, name: string): unknown => {
  const { presets } = file;
  return typeof presets === "object" && presets !== null && Object.hasOwn(presets, name) ? (presets as Record<string, unknown>)[name] : undefined;
};

/** It may be for servers that are still to come, so it is only told. */
function warnOf({ stderr }: Occasion, filter: string, file: Readonly<Record<string, unknown>>): void {
  const parsed = parseFilter(filter);
  const servers = Object.entries(file["mcpServers"] ?? {}).map(([name, entry]) => ({ name, tags: tagsIn(entry) }));
  for (const warning of parsed.ok ? unknownIn(parsed.query, servers) : []) stderr.write(`${escapeControls(`warning: ${warning}`)}\n`);
}

const tagsIn = (entry: unknown): string[] => {
  const tags: unknown = (entry as { readonly tags?: unknown } | null)?.tags;
  return Array.isArray(tags) ? tags.map(String) : [];
};

function assertThere(file: Readonly<Record<string, unknown>>, name: string): void {
  if (presetIn(file, name) === undefined) throw unknown(name, Object.keys(file["presets"] ?? {}));
}

const unknown = (name: string, names: readonly string[]) => {
  const near = nearestOf(name, names);
  return fault("NAME_UNKNOWN", { detail: `there is no preset “${name}”`, hint: near === null ? "the list `1mcp preset list` has what there is" : `did you mean “${near}”?` });
};

function presetOf({ presets }: Config, name: string): Preset {
  const preset = presets.get(name);
  if (preset === undefined) throw unknown(name, [...presets.keys()]);
  return preset;
}

async function configOf(occasion: Occasion): Promise<Config> {
  const path = configPathOf(occasion);
  const loaded = await loadConfig({ path, env: occasion.env });
  if (loaded.ok) return loaded.config;
  for (const issue of loaded.issues) occasion.stderr.write(issueText(path, issue));
  throw fault(loaded.hash === null ? "CONFIG_UNREADABLE" : "CONFIG_INVALID", { detail: path });
}

/** The running server knows what its servers offer; the file alone, which servers there are. Both evaluate alike. */
async function selectedBy(occasion: Occasion, config: Config, query: TagQuery): Promise<readonly SelectedServer[]> {
  const filter = printFilter(query);
  const asked = await askOperator<readonly SelectedServer[]>(occasion, "POST", "/selection", undefined, { filter });
  if (asked.kind === "answer") return asked.value;
  const offers = config.backends.filter(({ disabled }) => !disabled).map(({ name, tags, prefix, disabledTools, instructionOverride }) => ({ name, tags, prefix: prefix ?? name, disabledTools, instructionOverride, inventory: null }));
  return selectedServers(buildCatalog(offers, { separator: config.names.separator, limits: config.limits, presets: config.presets }), filter);
}

async function urlOf(occasion: Occasion, { publicUrl, host, port, tls }: Config, name: string): Promise<string> {
  const running = await readPresence(stateDirOf(occasion), occasion.clock);
  const local = running?.url ?? `${tls === null ? "http" : "https"}://${host ?? defaultListen.host}:${port ?? defaultListen.port}/mcp`;
  const address = new URL(publicUrl === null ? local : `${publicUrl.replace(/\/+$/, "")}/mcp`);
  address.searchParams.set("preset", name);
  return address.href;
}
