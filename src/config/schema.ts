/**
 * The shape of a configuration: one strict schema, from which the check, the types and the published JSON Schema all
 * come. It changes no value (references are put in later), so that its JSON Schema is exactly what may be written.
 */
import * as v from "valibot";
import { defaultLimits, fixedBounds, isAddress, isAddressRange, type Limits } from "../base/index.ts";
import { accessEntry } from "./access.ts";
import { oauthEntry } from "./login.ts";
import { plainText, type SecretReference, secretReference, valueEither } from "./reference.ts";
import { dayMs, text, wholeNumber } from "./shapes.ts";
import { toolsEntry } from "./tools.ts";

const nameLengthMax = 64;
const prefixLengthMax = 32;
const separatorLengthMax = 8;

const texts = (description: string) => v.pipe(v.array(text()), v.description(description));
const milliseconds = (description: string, standard: string) => wholeNumber(1, 7 * dayMs, `${description}, in milliseconds. Default: ${standard}.`);
const flag = (description: string) => v.pipe(v.boolean(), v.description(description));

const references = "${VAR} and ${VAR:-default} are replaced; $${ is a literal ${.";

const variables = v.pipe(
  v.record(v.pipe(v.string(), v.regex(/^[^=\0]+$/, "is not the name of a variable")), valueEither),
  v.description(`Variables of the process: name and value. ${references}`),
);
const variableList = v.pipe(
  v.array(v.pipe(v.string(), v.regex(/^[^=\0]+(=[^]*)?$/, 'must be "NAME=value" or "NAME"'))),
  v.description('The same as a list: "NAME=value", or "NAME" for the value of our own environment.'),
);
// The choice is made by what is written, so that an issue is about that form and not about both.
const variablesEither = v.lazy((input) => (Array.isArray(input) ? variableList : variables)) as unknown as v.GenericSchema<
  Record<string, string | SecretReference> | string[]
>;

const headers = v.pipe(
  v.record(v.pipe(v.string(), v.regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/, "is not the name of a header")), valueEither),
  v.description(`Headers of each request. ${references}`),
);

/** Names of servers: they stand in public names and in paths. */
const serverName = /^(?=.*[A-Za-z0-9])[A-Za-z0-9_.-]+$/;

const serverKey = v.pipe(
  v.string(),
  v.regex(serverName, "is not a server name: letters, digits, “_”, “.” and “-” only, and at least one letter or digit"),
  v.maxLength(nameLengthMax, `is longer than ${nameLengthMax} characters`),
);

const presetKey = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9_.-]+$/, "is not the name of a preset: letters, digits, “_”, “.” and “-” only"),
  v.maxLength(nameLengthMax, `is longer than ${nameLengthMax} characters`),
);
const preset = v.strictObject({
  filter: v.pipe(v.string(), v.description("Which servers, as a tag expression: web && !(legacy || server:old); “,” is OR, “+” or a space is AND, “!” or “-” is NOT.")),
  description: v.optional(v.pipe(v.string(), v.description("What it is for. Default: none."))),
});

const common = Object.freeze({
  tags: v.optional(texts("Words to select servers by. Default: none.")),
  disabled: v.optional(flag("Leave this server out. Default: false.")),
  timeout: v.optional(milliseconds("Deprecated: both time-outs", "none")),
  connectionTimeout: v.optional(milliseconds("Wait for start, handshake and lists", "limits.readyMsMax")),
  requestTimeout: v.optional(milliseconds("Wait for the answer to one request", "limits.requestMsMax")),
  methodTimeouts: v.optional(v.pipe(v.record(text(), milliseconds("Wait for the answer to this method", "requestTimeout")), v.description("The same for single methods, by name (tools/call). Default: none."))),
  maxTotalTimeout: v.optional(milliseconds("Progress puts the end of these waits off, but never beyond so long after the call was made", "limits.totalMsMax")),
  start: v.optional(v.pipe(v.picklist(["eager", "on-demand"]), v.description("When it is started: at once, or by the first call; then it is stopped again when nobody uses it. Default: eager."))),
  idleTimeout: v.optional(milliseconds("With start on-demand: stopped after so long without use", "limits.idleStopMsMax")),
  maxInFlight: v.optional(wholeNumber(1, 1_000_000, "Calls under way at once at this server. Default: limits.pendingMax.")),
  prefix: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^[A-Za-z0-9_.-]*$/, "may hold letters, digits, “_”, “.” and “-” only"),
      v.maxLength(prefixLengthMax, `is longer than ${prefixLengthMax} characters`),
      v.description("Stands before the separator in public names instead of the server's name; empty for none. Default: the server's name."),
    ),
  ),
  isolation: v.optional(v.pipe(v.picklist(["shared", "principal", "session"]), v.description("Who shares one process or connection: everybody, whoever has the same token, or each session. Default: shared for a program, principal for an address."))),
  era: v.optional(v.pipe(v.picklist(["auto", "modern", "legacy"]), v.description("Which protocol the server speaks: modern is without sessions, legacy what was before; auto asks it. Default: auto."))),
  hidden: v.optional(flag("Whoever is not granted this server is told that there is none of its name, instead of what to ask for. Default: false.")),
  disabledTools: v.optional(texts("Tools that are neither listed nor callable, by the names that the server gives them. Default: none.")),
  tools: v.optional(toolsEntry),
  pin: v.optional(v.pipe(v.picklist(["off", "warn", "block"]), v.description("What comes of a definition (tool, prompt, template, instructions) that is not as it was when it was trusted, or that is new: nothing, a word in log and status, or it is withheld until `1mcp mcp trust` accepts it. Default: warn, or block where several people call (auth has issuers or signIn)."))),
  instructionOverride: v.optional(v.pipe(v.string(), v.description("Replaces the server's own instructions; empty for none. Default: the server's own."))),
});

const sandboxLevel = v.pipe(
  v.picklist(["off", "basic", "fs", "strict"]),
  v.description("How far a program is confined, on Linux. basic: it can gain no rights, writes no core files, and its open files and the size of a file are bounded. fs: of files it sees the system's and its own folder, not the home folder. strict: neither TCP nor tracing, mounting and the like. Default: basic."),
);
const confined = v.strictObject({
  level: v.optional(sandboxLevel),
  required: v.optional(flag("Do not start it where the system cannot confine it so; otherwise it is said, and it is started with less. Default: false.")),
  read: v.optional(texts(`With fs and strict: more files and folders that it may read. ${references} Default: none.`)),
  write: v.optional(texts(`With fs and strict: more that it may read and change. ${references} Default: none.`)),
  memoryMb: v.optional(wholeNumber(16, 1_048_576, "Its private memory, for each of its processes, in MiB. Default: unbounded.")),
  cpuSeconds: v.optional(wholeNumber(1, 31_536_000, "Computing time of each of its processes. Default: unbounded.")),
  processes: v.optional(wholeNumber(1, 1_000_000, "Processes and threads of the user it runs as, all programs together; does not bind root. Default: unbounded.")),
  openFiles: v.optional(wholeNumber(16, 1_048_576, "Open files of each of its processes. Default: 65536.")),
  fileMb: v.optional(wholeNumber(1, 16_777_216, "The size of a file that it writes, in MiB. Default: 65536.")),
});
const sandboxEither = v.lazy((input) => (typeof input === "object" && input !== null ? confined : sandboxLevel)) as unknown as v.GenericSchema<v.InferOutput<typeof sandboxLevel> | v.InferOutput<typeof confined>>;

/** A server that is a program we start. */
export const stdioEntry = v.strictObject({
  type: v.optional(v.pipe(v.picklist(["stdio"]), v.description("May be left out."))),
  command: v.pipe(text(), v.description(`The program. ${references}`)),
  args: v.optional(v.pipe(v.array(valueEither), v.description(`Its arguments. ${references}`))),
  env: v.optional(variablesEither),
  cwd: v.optional(v.pipe(text(), v.description(`Its working folder; a relative one starts at the configuration's folder. ${references} Default: an empty folder of its own.`))),
  inheritParentEnv: v.optional(flag("Give it our whole environment instead of the safe part. Default: false.")),
  unsafeEnv: v.optional(flag("env may hold variables that load code into a program or steer its runtime (LD_*, DYLD_*, NODE_OPTIONS, BUN_OPTIONS and the like). Default: false.")),
  sandbox: v.optional(sandboxEither),
  ...common,
});

/** Certificates of an https address. */
const certificatesEntry = v.pipe(
  v.strictObject({
    cert: v.optional(v.pipe(valueEither, v.description("Our certificate there, in PEM, those that vouch for it behind it; easiest as {\"$file\": \"client.pem\"}."))),
    key: v.optional(v.pipe(valueEither, v.description("Its private key, in PEM."))),
    ca: v.optional(v.pipe(valueEither, v.description("Who alone may have issued the server's certificate, in PEM. Default: whom the system trusts."))),
  }),
  v.check(({ cert, key }) => (cert === undefined) === (key === undefined), "needs both cert and key, or neither"),
);

/** A server that is reached by a URL. */
export const remoteEntry = v.strictObject({
  type: v.optional(v.pipe(v.picklist(["http", "streamableHttp", "streamable-http", "sse"]), v.description("How it is spoken to. Default: Streamable HTTP, or HTTP+SSE where that is what answers."))),
  url: v.pipe(text(), v.description(`Its address. ${references}`)),
  headers: v.optional(headers),
  oauth: v.optional(v.pipe(oauthEntry, v.description("How we log in there when it asks for it. Default: as it says itself."))),
  tls: v.optional(v.pipe(certificatesEntry, v.description("The certificate that we show there (mutual TLS), and whose certificates count; for https alone. Default: none, and those that the system trusts."))),
  credentials: v.optional(v.pipe(v.picklist(["shared", "per-user"]), v.description("Whose login is used there: the operator's for everybody, or each caller's own. Default: shared, or per-user where several people call (auth has issuers or signIn) and nothing written here is for all of them."))),
  ...common,
});

const serverDefaults = v.strictObject({
  env: v.optional(variablesEither),
  inheritParentEnv: v.optional(flag("As in a server's entry. Default: false.")),
  headers: v.optional(headers),
  timeout: common.timeout,
  connectionTimeout: common.connectionTimeout,
  requestTimeout: common.requestTimeout,
  methodTimeouts: common.methodTimeouts,
  maxTotalTimeout: common.maxTotalTimeout,
  start: common.start,
  idleTimeout: common.idleTimeout,
  maxInFlight: common.maxInFlight,
  pin: common.pin,
});

export type StdioEntry = v.InferOutput<typeof stdioEntry>;
export type RemoteEntry = v.InferOutput<typeof remoteEntry>;
export type ServerEntry = StdioEntry | RemoteEntry;
export type ServerDefaults = v.InferOutput<typeof serverDefaults>;

const remoteTypes: readonly unknown[] = remoteEntry.entries.type.wrapped.pipe[0].options;

/** Whether what was written for a server is meant to be reached by a URL. */
export function isRemote(entry: unknown): boolean {
  if (typeof entry !== "object" || entry === null || Object.hasOwn(entry, "command")) return false;
  return Object.hasOwn(entry, "url") || remoteTypes.includes((entry as { type?: unknown }).type);
}

/** The range of one limit, by its unit: what is outside would break the program or switch the limit off. */
export function limitRange(name: string, standard: number): readonly [least: number, most: number] {
  // Deeper nesting could exhaust the stack of those who read what we relay.
  if (name === "depthMax") return [8, 512];
  // Whoever follows the log would be gone before the answer comes.
  if (name === "tailWaitMs") return [1, fixedBounds.operatorMsMax / 2];
  if (/Ms(Max|Min)?$/.test(name)) return [1, Math.max(7 * dayMs, standard)];
  if (/Bytes(Max)?$/.test(name)) return [256, 2 ** 30];
  return [1, Math.max(1_000_000, 16 * standard)];
}

const limits = () =>
  v.strictObject(
    Object.fromEntries(
      Object.entries(defaultLimits).map(([name, value]) => [name, v.optional(wholeNumber(...limitRange(name, value), `Default: ${value}.`))]),
    ),
  );
const boundsWith = <T extends v.GenericSchema<Record<string, number | undefined>>>(schema: T) => v.optional(v.pipe(schema, v.description("Bounds of sizes, numbers and times.")));

const isWebAddress = (value: string): boolean => /^https?:$/.test(URL.parse(value)?.protocol ?? "");
const isOrigin = (value: string): boolean => isWebAddress(value) && URL.parse(value)?.origin === value;
// What follows the host would be taken for a part of the address, and a password for something to show.
const isPlainAddress = (value: string): boolean => isWebAddress(value) && !/[?#@]/.test(value);
// The last label of a name holds a letter: what looks like a number is an address, or a mistake in one.
const isHost = (value: string): boolean => isAddress(value.replace(/^\[(.*)\]$/, "$1")) || /^([\w-]+\.)*[\w-]*[A-Za-z][\w-]*$/.test(value);

const topLevel = Object.freeze({
  $schema: v.optional(v.pipe(v.string(), v.description("For editors; not looked at."))),
  version: v.optional(v.pipe(v.union([v.string(), v.number()]), v.description("Not looked at: other programs write it."))),
  serverDefaults: v.optional(v.pipe(serverDefaults, v.description("What every server gets unless its entry says otherwise."))),
  names: v.optional(
    v.strictObject({
      separator: v.optional(
        v.pipe(
          text(),
          v.regex(/^[A-Za-z0-9_.-]+$/, "may hold letters, digits, “_”, “.” and “-” only"),
          v.maxLength(separatorLengthMax, `is longer than ${separatorLengthMax} characters`),
          v.description("Stands between server and name in public names. Default: __."),
        ),
      ),
    }),
  ),
  instructions: v.optional(v.pipe(v.string(), v.description("What clients of all servers together are told in place of the servers' own instructions; empty for nothing. Default: each server's, under its name."))),
  instructionTemplates: v.optional(v.pipe(v.record(presetKey, v.strictObject({ initialization: v.pipe(v.string(), v.description("What clients are told when they connect: {{serverCount}}, {{serverNames}}, {{instructions}}, {{#each servers}}{{name}}{{/each}}, {{#if hasServers}} and the like are filled in.")) })), v.description("Instructions of all servers together, with what servers say in them, by name."))),
  activeInstructionTemplate: v.optional(v.pipe(v.string(), v.description("The one of instructionTemplates that is used. Default: none."))),
  // There are hundreds, and few files name any: they are made for those that do.
  limits: boundsWith(v.lazy(limits)),
  host: v.optional(v.pipe(v.string(), v.check(isHost, "must be an address or a host name, without scheme and port"), v.description("Address to listen on. Default: 127.0.0.1."))),
  port: v.optional(wholeNumber(0, 65_535, "Port to listen on; 0 takes a free one. Default: 3050.")),
  publicUrl: v.optional(v.pipe(v.string(), v.check(isPlainAddress, "must be an http or https URL without user, query and fragment"), v.description("The URL by which clients reach us from outside. Default: none."))),
  allowedHosts: v.optional(
    v.pipe(
      v.array(v.pipe(v.string(), v.regex(/^[^\s/@?#*]+$/, "must be a host, or host:port, without a scheme or a path"))),
      v.description("Host headers that are accepted besides our own address. Default: none."),
    ),
  ),
  allowedOrigins: v.optional(
    v.pipe(
      v.array(v.pipe(v.string(), v.check(isOrigin, "must be an origin: scheme, host and port, no path"))),
      v.description("Origins of web pages that may call us besides our own. Default: none."),
    ),
  ),
  trustedProxies: v.optional(
    v.pipe(
      v.array(v.pipe(v.string(), v.check(isAddressRange, "must be an IP address, or a range of them like 10.0.0.0/8"))),
      v.description("Addresses and ranges (10.0.0.0/8) of the proxies in front that do TLS. Beyond loopback only they may connect. Default: none."),
    ),
  ),
  tls: v.optional(
    v.pipe(
      v.strictObject({
        cert: v.pipe(text(), v.description("File with our certificate and those that lead to its issuer, in PEM.")),
        key: v.pipe(text(), v.description("File with its key, in PEM.")),
        ca: v.optional(v.pipe(text(), v.description("File with the certificates of those who may issue clients' certificates, in PEM. Default: none."))),
        requestCert: v.optional(flag("Let in only clients with a certificate of such an issuer; needs ca. Default: false.")),
      }),
      v.check(({ ca, requestCert }) => requestCert !== true || ca !== undefined, "needs ca: who may issue the certificates that requestCert asks for"),
      v.description("Serve TLS (1.2 and newer) with these files, which are watched; relative paths start at the configuration's folder. Default: plain HTTP."),
    ),
  ),
  auth: v.optional(v.pipe(accessEntry, v.description("Who may call us."))),
  audit: v.optional(
    v.pipe(
      v.strictObject({
        file: v.optional(v.pipe(v.string(), v.description("Its file; a relative path starts at the state folder; empty for none. Default: audit.log."))),
        maxBytes: v.optional(wholeNumber(65_536, 2 ** 30, "Size at which a file is put aside. Default: limits.auditBytesMax.")),
        maxFiles: v.optional(wholeNumber(1, 1000, "Files that are kept, the one in use included. Default: limits.auditFilesMax.")),
        calls: v.optional(flag("Write a line for each tool call: who, which tool, what came of it; never what was said. Default: true.")),
      }),
      v.description("The audit log: what was decided about whom, and what came of it."),
    ),
  ),
  presets: v.optional(v.pipe(v.record(presetKey, preset), v.description("Selections of servers, by name, for clients that ask with ?preset=NAME."))),
  clientEra: v.optional(v.pipe(v.picklist(["any", "modern"]), v.description("Which clients are served: any, or only modern ones, which open no sessions. Default: any."))),
  catalog: v.optional(v.pipe(v.picklist(["full", "search"]), v.description("What tools clients of all servers together are shown: each of them, or two that never change, one to search them by words and one to call what was found. Default: full."))),
  pageSize: v.optional(wholeNumber(1, 10_000, "Items in a page of a list. Default: all in one.")),
});

const configWith = <T extends v.GenericSchema<ServerEntry>>(entry: T, top = topLevel) =>
  v.strictObject({
    ...top,
    mcpServers: v.optional(v.pipe(v.record(serverKey, entry), v.description("The servers, by name."))),
    mcpTemplates: v.optional(v.pipe(v.record(serverKey, entry), v.description("Servers for projects, by name: `1mcp proxy` runs them for the project in which it is started, with {{project.path}} and the like filled in."))),
  });

const entryByForm = v.lazy((input) => (isRemote(input) ? remoteEntry : stdioEntry)) as unknown as v.GenericSchema<ServerEntry>;

/** The schema that checks. */
export const configSchema = configWith(entryByForm);

/** What a checked configuration file holds. */
export type ConfigFile = v.InferOutput<typeof configSchema>;

/** Names of all limits. */
export const limitsOf = (file: ConfigFile): Limits => Object.freeze({ ...defaultLimits, ...(file.limits as Partial<Limits> | undefined) });

/** The JSON Schema of a configuration file, for editors. Loads its generator only now: nothing else needs it. */
export async function configJsonSchema(): Promise<Readonly<Record<string, unknown>>> {
  const { toJsonSchema } = await import("@valibot/to-json-schema");
  // What was chosen by form while checking is a plain alternative on paper.
  const overrideSchema = ({ valibotSchema }: { readonly valibotSchema: unknown }) => {
    const alternatives = anyOf.get(valibotSchema);
    return alternatives === undefined ? undefined : { anyOf: [...alternatives()] };
  };
  const inner = (schema: v.GenericSchema) => {
    const { $schema: _, ...rest } = toJsonSchema(schema, { typeMode: "input", overrideSchema });
    return rest;
  };
  const anyOf: ReadonlyMap<unknown, () => readonly object[]> = new Map<unknown, () => readonly object[]>([
    [variablesEither, () => [inner(variables), inner(variableList)]],
    [valueEither, () => [inner(plainText), inner(secretReference)]],
    [sandboxEither, () => [inner(sandboxLevel), inner(confined)]],
  ]);
  const schema = toJsonSchema(configWith(v.union([stdioEntry, remoteEntry]), { ...topLevel, limits: boundsWith(limits()) as unknown as typeof topLevel.limits }), {
    typeMode: "input",
    overrideSchema,
    // Checks by a function have no counterpart; the description says what they want.
    ignoreActions: ["check"],
  });
  return { ...schema, title: "1mcp configuration" };
}
