/**
 * Where a connection goes whose address a stranger named: the host is looked up once, every address of it is judged, and
 * one of exactly those is asked, whatever the name server may say later. Otherwise such an address could lead us into
 * networks that only we can reach (server-side request forgery), at once or by a name that is bound anew.
 */
import { lookup } from "node:dns/promises";
import { isAddress, isPublicAddress } from "./address.ts";
import { type Fault, fault } from "./errors.ts";

/** How hosts are looked up, and which of their addresses a stranger may name: for tests, which have no public address. */
export interface Lookup {
  /** All addresses of a host. */
  readonly resolve: (host: string) => Promise<readonly string[]>;
  readonly isPublic: (address: string) => boolean;
  /** Who issues certificates, in PEM; null: those that the system knows. */
  readonly ca: string | null;
}

/** A connection's end, fixed. */
export interface Pin {
  /** The address itself. */
  readonly hostname: string;
  readonly port: number;
  readonly path: string;
  /** The header Host. */
  readonly host: string;
  /** Whose certificate it must be; empty where the URL names an address. */
  readonly servername: string;
  readonly ca: string | null;
}

/** The system's own names, and the public internet. */
export const publicLookup: Lookup = Object.freeze({
  resolve: async (host: string) => (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address),
  isPublic: isPublicAddress,
  ca: null,
});

/** Who asks, and until when. */
export interface Asking {
  readonly backend: string;
  readonly signal: AbortSignal;
}

/** Fixes where the connection goes. Throws ADDRESS_REFUSED, BACKEND_DOWN (no such host), CALL_CANCELLED; nothing has been opened then. */
export async function pinOf(text: string, asking: Asking, { resolve, isPublic, ca }: Lookup): Promise<Pin> {
  const url = URL.parse(text);
  if (url === null || !isPlain(url)) throw refused(asking, "it is no plain https URL");
  // Here every odd way of writing an address (octal, hexadecimal, one number) has become the usual one.
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const isLiteral = isAddress(host);
  const addresses = isLiteral ? [host] : await lookedUp(() => resolve(host), asking);
  const [address] = addresses;
  // One that is not public beside others that are is how names are bound anew.
  if (address === undefined || !addresses.every(isPublic)) throw refused(asking, `${url.host} is not, or not only, in the public internet`);
  return { hostname: address, port: url.port === "" ? 443 : Number(url.port), path: `${url.pathname}${url.search}`, host: url.host, servername: isLiteral ? "" : host, ca };
}

const isPlain = ({ protocol, username, password }: URL): boolean => protocol === "https:" && username === "" && password === "";

const refused = ({ backend }: Asking, detail: string): Fault => fault("ADDRESS_REFUSED", { backend, detail, data: { sent: false } });

async function lookedUp(look: () => Promise<readonly string[]>, { backend, signal }: Asking): Promise<readonly string[]> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(fault("CALL_CANCELLED", { backend }));
  if (signal.aborted) throw fault("CALL_CANCELLED", { backend });
  signal.addEventListener("abort", abort);
  const found = look().catch((cause: unknown) => {
    throw fault("BACKEND_DOWN", { backend, detail: "its name is not known", cause, data: { sent: false } });
  });
  try {
    return await Promise.race([found, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
