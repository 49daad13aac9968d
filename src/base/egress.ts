/**
 * The one way out over HTTP, and the only file that fetches. It hides that there are two clients behind it. Bun's fetch
 * is the quick one, but serves 256 requests in the whole process, and every further one hangs without a word; response
 * streams count until they end. So streams that stand for long, and everything beyond `fetchesMax`, go over node:http,
 * which costs twice as much and has no such cap: a backend that never answers cannot starve the others.
 *
 * Redirects are refused (they would carry configured credentials elsewhere), nothing is compressed (so that a bound on
 * bytes is one), and proxy variables never apply to loopback addresses. An address that a stranger named is looked up
 * once, refused unless it is public throughout, and asked at exactly what was found.
 */
import { Fault, fault } from "./errors.ts";
import type { Limits } from "./limits.ts";
import { type Lookup, type Pin, pinOf, publicLookup } from "./pin.ts";

export interface EgressInit {
  readonly method: "GET" | "POST" | "DELETE";
  readonly headers: Readonly<Record<string, string>>;
  /** Empty or absent: none. */
  readonly body?: string;
  /** Aborts the request and the reading of its answer. */
  readonly signal: AbortSignal;
  /** The configured name of the server, for faults. */
  readonly backend: string;
  /**
   * "public": a stranger named the address, so it must be https and every address of its host one of the public internet;
   * the connection goes to one of those that were looked at, and never through a proxy. Absent: the operator named it.
   */
  readonly reach?: "public";
  /** Certificates in PEM: what is shown (both, or neither), and who alone may have issued the other side's. Absent: nothing, and whom the system trusts. */
  readonly tls?: { readonly cert?: string; readonly key?: string; readonly ca?: string };
  /** The path of a unix socket to speak to instead of the URL's host: somebody on this machine. */
  readonly unix?: string;
}

/** An answer whose body must be read to its end (or to the fault that ends it), or cancelled. */
export interface EgressReply {
  readonly status: number;
  /** A response header by lower-case name, or null. */
  header(name: string): string | null;
  /** The next chunk, or null at the end. Throws BACKEND_GONE when the connection broke. */
  read(): Promise<Uint8Array | null>;
  /** The whole body. Throws BACKEND_GARBLED when it is larger than `bytesMax`. */
  all(bytesMax: number): Promise<Uint8Array>;
  /** The rest is not wanted. */
  cancel(): void;
}

export interface Egress {
  /** One request and its answer. Throws ADDRESS_REFUSED (nothing was opened), BACKEND_DOWN (not sent), BACKEND_GONE, BACKEND_REFUSED, BACKEND_BUSY, BACKEND_MISCONFIGURED. */
  send(url: string, init: EgressInit): Promise<EgressReply>;
  /** The same for an answer that is meant to stay open for long. */
  openStream(url: string, init: EgressInit): Promise<EgressReply>;
}

export interface EgressOptions {
  readonly limits: Limits;
  /** The environment's proxy variables decide; Bun's fetch reads them by itself. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Which addresses may be sent something at the moment; absent or null: any. */
  readonly admits?: ((url: string) => boolean) | null;
  readonly lookup?: Lookup;
  /** Whose certificate it is does not matter: it is our own door that is asked. Absent: it does. */
  readonly acceptsAnyone?: boolean;
}

/** Makes the way out. It holds no connection that would keep the process alive. */
export function createEgress(options: EgressOptions): Egress {
  if (options.acceptsAnyone === true) return { send: overNodeToAnyone, openStream: overNodeToAnyone };
  const way = guarded(wayOut(options), options.lookup ?? publicLookup);
  const { admits = null } = options;
  if (admits === null) return way;
  return {
    send: (url, init) => (admits(url) ? way.send(url, init) : Promise.reject(barred(init))),
    openStream: (url, init) => (admits(url) ? way.openStream(url, init) : Promise.reject(barred(init))),
  };
}

const barred = ({ backend }: EgressInit): Fault => fault("BACKEND_DOWN", { backend, detail: "what listened there has ended", data: { sent: false } });

function guarded(way: Egress, by: Lookup): Egress {
  const strange = async (url: string, init: EgressInit): Promise<EgressReply> => overNode(url, init, await pinOf(url, init, by));
  return {
    send: (url, init) => (init.reach === "public" ? strange(url, init) : way.send(url, init)),
    openStream: (url, init) => (init.reach === "public" ? strange(url, init) : way.openStream(url, init)),
  };
}

// A connection that was opened under another name is not used again.
const pinnedOptions = ({ hostname, port, path, servername, ca }: Pin): object => ({ protocol: "https:", hostname, port, path, agent: false, ...(servername === "" ? {} : { servername }), ...(ca === null ? {} : { ca }) });

function wayOut(options: EgressOptions): Egress {
  const slots = { open: 0, max: options.limits.fetchesMax };
  const proxied = proxyVariables.some((name) => (options.env[name] ?? "") !== "");
  const viaFetch = (url: string, init: EgressInit): Promise<EgressReply> => overFetch(url, init, slots);
  if (!proxied) {
    return {
      send: (url, init) => (slots.open < slots.max ? viaFetch(url, init) : overNode(url, init)),
      openStream: (url, init) => overNode(url, init),
    };
  }
  // Only fetch speaks to proxies, so there the cap is a limit.
  const route = async (url: string, init: EgressInit): Promise<EgressReply> => {
    if (isLoopback(url)) return overNode(url, init);
    if (slots.open < slots.max) return viaFetch(url, init);
    throw fault("BACKEND_BUSY", { backend: init.backend, detail: "too many requests are open through the HTTP proxy", data: { sent: false } });
  };
  return { send: route, openStream: route };
}

const proxyVariables = Object.freeze(["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"]);

function isLoopback(url: string): boolean {
  const host = URL.parse(url)?.hostname ?? "";
  return host === "localhost" || host.endsWith(".localhost") || host === "[::1]" || /^127(\.\d+){3}$/.test(host);
}

// ---- fetch ------------------------------------------------------------------------------------------------------

interface Slots {
  open: number;
  readonly max: number;
}

async function overFetch(url: string, init: EgressInit, slots: Slots): Promise<EgressReply> {
  slots.open += 1;
  try {
    const response = await fetch(url, {
      method: init.method,
      headers: { "accept-encoding": "identity", ...init.headers },
      body: init.body === undefined || init.body === "" ? null : init.body,
      signal: init.signal,
      redirect: "manual",
      // Bun would cut an answer that is silent for five minutes; the caller has its own deadline.
      timeout: false,
      // What was packed against our word would be unpacked without bound.
      decompress: false,
      ...(init.tls === undefined ? {} : { tls: init.tls }),
    } as RequestInit);
    if (isRedirect(response.status)) {
      response.body?.cancel().catch(ignore);
      throw redirected(response.headers.get("location"), init);
    }
    const packing = packingOf(response.headers.get("content-encoding"));
    if (packing !== null) {
      response.body?.cancel().catch(ignore);
      throw packed(packing, init);
    }
    return new FetchReply(response, init, slots);
  } catch (thrown) {
    slots.open -= 1;
    throw faultOf(thrown, init);
  }
}

class FetchReply implements EgressReply {
  readonly status: number;
  readonly #response: Response;
  readonly #init: EgressInit;
  #slots: Slots | null;
  #reader: ReadableStreamDefaultReader<Uint8Array> | null = null;

  constructor(response: Response, init: EgressInit, slots: Slots) {
    this.status = response.status;
    this.#response = response;
    this.#init = init;
    this.#slots = slots;
    if (response.body === null) this.#release();
  }

  header(name: string): string | null {
    return this.#response.headers.get(name);
  }

  async read(): Promise<Uint8Array | null> {
    if (this.#response.body === null) return null;
    try {
      this.#reader ??= this.#response.body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
      const { done, value } = await this.#reader.read();
      if (!done) return value;
      this.#release();
      return null;
    } catch (thrown) {
      this.#release();
      throw faultOf(thrown, this.#init);
    }
  }

  async all(bytesMax: number): Promise<Uint8Array> {
    const declared = Number(this.header("content-length") ?? Number.NaN);
    if (!(declared <= bytesMax)) return collect(this, bytesMax, this.#init);
    try {
      return new Uint8Array(await this.#response.arrayBuffer());
    } catch (thrown) {
      throw faultOf(thrown, this.#init);
    } finally {
      this.#release();
    }
  }

  cancel(): void {
    this.#release();
    const ended = this.#reader === null ? this.#response.body?.cancel() : this.#reader.cancel();
    ended?.catch(ignore);
  }

  #release(): void {
    if (this.#slots !== null) this.#slots.open -= 1;
    this.#slots = null;
  }
}

// ---- node:http --------------------------------------------------------------------------------------------------

const overNodeToAnyone = (url: string, init: EgressInit): Promise<EgressReply> => overNode(url, init, null, { rejectUnauthorized: false });

// Loading these takes more time than all the rest of this room, and a launcher or a small command needs neither.
const moduleFor = (url: string) => (url.startsWith("https:") ? process.getBuiltinModule("node:https") : process.getBuiltinModule("node:http"));

/** One request to somebody on this machine, over a unix socket; the host of the URL is nobody's. Throws as `send` does. */
export const sendOverSocket = (unix: string, url: string, init: EgressInit): Promise<EgressReply> => overNode(url, { ...init, unix });

function overNode(url: string, init: EgressInit, pin: Pin | null = null, more: object = {}): Promise<EgressReply> {
  return new Promise((resolve, reject) => {
    try {
      const headers = { "accept-encoding": "identity", ...init.headers, ...(pin === null ? {} : { host: pin.host }) };
      const common = { ...more, ...(init.tls === undefined ? {} : { ...init.tls, agent: false }), method: init.method, headers, signal: init.signal, ...(init.unix === undefined ? {} : { socketPath: init.unix }) };
      const refuse = (response: Incoming, why: Fault): void => {
        response.on("error", ignore).destroy();
        reject(why);
      };
      const take = (response: Incoming): void => {
        const packing = packingOf(response.headers["content-encoding"] ?? null);
        if (isRedirect(response.statusCode ?? 0)) refuse(response, redirected(response.headers.location ?? null, init));
        else if (packing !== null) refuse(response, packed(packing, init));
        else resolve(new NodeReply(response, init));
      };
      const { request: open } = moduleFor(url);
      const request = pin === null ? open(url, common, take) : open({ ...common, ...pinnedOptions(pin) }, take);
      request.on("error", (error) => reject(faultOf(error, init)));
      request.end(init.body);
    } catch (thrown) {
      reject(faultOf(thrown, init));
    }
  });
}

type Incoming = import("node:http").IncomingMessage;

class NodeReply implements EgressReply {
  readonly status: number;
  readonly #response: Incoming;
  readonly #init: EgressInit;
  readonly #chunks: AsyncIterator<Uint8Array>;

  constructor(response: Incoming, init: EgressInit) {
    this.status = response.statusCode ?? 0;
    this.#response = response;
    this.#init = init;
    // Without a listener of our own, an error after `cancel` would end the process.
    response.on("error", ignore);
    this.#chunks = response[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  }

  header(name: string): string | null {
    const value = this.#response.headers[name];
    return (Array.isArray(value) ? value.join(", ") : value) ?? null;
  }

  async read(): Promise<Uint8Array | null> {
    try {
      const { done, value } = await this.#chunks.next();
      return done === true ? null : value;
    } catch (thrown) {
      throw faultOf(thrown, this.#init);
    }
  }

  all(bytesMax: number): Promise<Uint8Array> {
    return collect(this, bytesMax, this.#init);
  }

  cancel(): void {
    this.#response.destroy();
  }
}

// ---- both -------------------------------------------------------------------------------------------------------

async function collect(reply: EgressReply, bytesMax: number, init: EgressInit): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for (let chunk = await reply.read(); chunk !== null; chunk = await reply.read()) {
    bytes += chunk.length;
    if (bytes > bytesMax) {
      reply.cancel();
      throw fault("BACKEND_GARBLED", { backend: init.backend, detail: `its answer is larger than ${bytesMax} bytes` });
    }
    chunks.push(chunk);
  }
  return chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks);
}

// 304 has no place to go to, and no meaning here.
const isRedirect = (status: number): boolean => status >= 300 && status <= 399;

function redirected(location: string | null, init: EgressInit): Fault {
  const where = URL.parse(location ?? "")?.origin ?? "another path";
  return fault("BACKEND_REFUSED", { backend: init.backend, detail: `it redirects to ${where}, which is not followed`, hint: "configure the address it redirects to" });
}

/** How a body is packed; null where it is not. */
const packingOf = (encoding: string | null): string | null => (encoding === null || /^\s*(identity)?\s*$/i.test(encoding) ? null : encoding);

const packed = (packing: string, { backend }: EgressInit): Fault => fault("BACKEND_GARBLED", { backend, detail: `its answer is packed (${/^[\w, -]{1,40}/.exec(packing)?.[0] ?? "unknown"}), which was not asked for` });

const neverConnected: readonly string[] = Object.freeze(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "ENOENT", "ConnectionRefused", "FailedToOpenSocket"]);

/** The message and properties of a foreign error may show the whole URL with a secret in its query: only its code is kept. */
function faultOf(thrown: unknown, init: EgressInit): Fault {
  if (thrown instanceof Fault) return thrown;
  const { backend } = init;
  if (init.signal.aborted) return fault("CALL_CANCELLED", { backend });
  const code = codeOf(thrown);
  if (code !== null) return faultOfCode(code, backend);
  if (thrown instanceof TypeError) return fault("BACKEND_MISCONFIGURED", { backend, detail: "its URL or one of its headers is not valid", data: { sent: false } });
  return fault("BACKEND_GONE", { backend, detail: "the connection broke", data: { sent: true } });
}

function faultOfCode(code: string, backend: string): Fault {
  if (neverConnected.includes(code)) return fault("BACKEND_DOWN", { backend, detail: `no connection: ${code}`, data: { sent: false } });
  if (/^(ERR_INVALID|ERR_UNESCAPED)/.test(code)) {
    return fault("BACKEND_MISCONFIGURED", { backend, detail: "its URL or one of its headers is not valid", data: { sent: false } });
  }
  // The other side has said that it does not want us, mostly for the certificate that we showed, or for none.
  if (/_ALERT_/.test(code)) return fault("BACKEND_REFUSED", { backend, detail: `it ended the TLS handshake: ${code}`, data: { sent: false } });
  if (/CERT|SELF_SIGNED|UNABLE_TO|TLS|SSL/.test(code)) {
    return fault("BACKEND_DOWN", { backend, detail: `its certificate is not accepted: ${code}`, data: { sent: false } });
  }
  return fault("BACKEND_GONE", { backend, detail: `the connection broke: ${code}`, data: { sent: true } });
}

function codeOf(thrown: unknown): string | null {
  const code = (thrown as { readonly code?: unknown } | null)?.code;
  return typeof code === "string" ? code : null;
}

const ignore = (): void => undefined;
