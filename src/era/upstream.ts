/**
 * One backend after its handshake, in whichever era. This is the era room's whole back side: nobody behind this door
 * learns which dialect was spoken. The dialect may be exchanged while we run, because a server that was too slow for the
 * probe may still turn out to be a modern one.
 */
import { faultOf } from "../base/index.ts";
import { type Message, quote, type Raw } from "../protocol/index.ts";
import { openIfTaken, type Opened, openSession } from "./handshake.ts";
import { listAll } from "./paging.ts";
import { answerPeer } from "./peer.ts";
import { type Found, verdictOf } from "./probe.ts";
import { uriParams } from "./topics.ts";
import { type Dialect, noHeaders, type Shared, type South } from "./south.ts";
import { SouthLegacy } from "./southLegacy.ts";
import { SouthModern } from "./southModern.ts";
import type { ConnectOptions, Upstream, Wire } from "./types.ts";

/**
 * Finds out the backend's era, opens the dialect and gives what the rest of the program calls. Throws BACKEND_REFUSED
 * (credentials, no mutual revision, declined), BACKEND_DOWN, BACKEND_GONE, BACKEND_TIMEOUT, BACKEND_GARBLED.
 */
export async function connectUpstream(wire: Wire, options: ConnectOptions, shared: Shared): Promise<Upstream> {
  const south: South = { ...shared, wire, options };
  const slot: Slot = { dialect: null, closed: false, subscribed: new Map() };
  wire.onMessage = (message) => (slot.dialect === null ? early(south, message) : slot.dialect.onMessage(message));
  await openOlder(south, slot);
  if (slot.dialect === null) await openFound(south, slot);
  await (slot.dialect as Dialect | null)?.heard();
  return upstreamOf(south, slot);
}

/** Opens a session of the older era, where that is preferred and the backend takes a client of it. */
async function openOlder(south: South, slot: Slot): Promise<void> {
  const opened = south.options.era === "older" ? await openIfTaken(south) : null;
  if (opened !== null) slot.dialect = new SouthLegacy(south, opened);
}

async function openFound(south: South, slot: Slot): Promise<void> {
  const verdict = await verdictOf(south);
  if (verdict.era === "modern") slot.dialect = new SouthModern(south, verdict);
  else if (verdict.late === null) slot.dialect = new SouthLegacy(south, await openSession(south));
  else await openUnsure(south, slot, verdict.late);
}

/** The dialect in use, and what outlasts it. */
interface Slot {
  dialect: Dialect | null;
  closed: boolean;
  /** What the backend was asked to tell of, and for whom. */
  readonly subscribed: Map<string, Wanted>;
}

interface Wanted {
  readonly uri: string;
  readonly abilities: Raw;
}

const keyOf = (uri: string, abilities: Raw): string => quote(uri) + abilities;

function upstreamOf(south: South, slot: Slot): Upstream {
  const current = (): Dialect => slot.dialect as Dialect;
  const subscribe = async (uri: string, abilities: Raw): Promise<boolean> => {
    const asked = current();
    const isSubscribed = await asked.subscribe(uri, abilities);
    // Its successor was told of what was known by then, and not of this.
    if (asked !== current()) return await subscribe(uri, abilities);
    if (isSubscribed) slot.subscribed.set(keyOf(uri, abilities), { uri, abilities });
    return isSubscribed;
  };
  return Object.freeze({
    get facts() {
      return current().facts;
    },
    call: (call, target) => current().call(call, target),
    list: (kind) => listAll(south, current(), kind),
    subscribe,
    async unsubscribe(uri, abilities) {
      slot.subscribed.delete(keyOf(uri, abilities));
      await current().unsubscribe(uri, abilities);
    },
    alive: (timeoutMs) => current().ping(timeoutMs).then(yes, isNoSilence),
    async close() {
      if (slot.closed) return;
      slot.closed = true;
      await current().close();
    },
  } satisfies Upstream);
}

const yes = (): boolean => true;

// A refusal is a sign of life; a connection that broke is told by the wire itself; no room to ask in, where nothing came
// for so long, is as good as silence.
function isNoSilence(thrown: unknown): boolean {
  const { code } = faultOf(thrown);
  return code !== "BACKEND_TIMEOUT" && code !== "BACKEND_BUSY";
}

/** Before a dialect is settled, only an older server says anything unasked. */
function early(south: South, message: Message): void {
  if (message.kind === "request") answerPeer(south, message, noHeaders);
  else south.log.debug("a message before the handshake", { backend: south.options.name, kind: message.kind });
}

/** The backend has kept silent: it is taken for an older one until it answers the probe after all. */
async function openUnsure(south: South, slot: Slot, late: Promise<Found | null>): Promise<void> {
  const id = south.wire.nextId();
  const opening = openPatiently(south, id);
  const found = await firstOf(opening, late);
  if (found !== null) {
    south.wire.abandon(id);
    slot.dialect = new SouthModern(south, found);
    return;
  }
  slot.dialect = new SouthLegacy(south, await opening);
  void late.then((answer) => answer === null ? undefined : exchange(south, slot, answer));
}

/** What the probe found if it was first, or if the opening failed; null when the session is open and the probe still silent. */
function firstOf(opening: Promise<Opened>, late: Promise<Found | null>): Promise<Found | null> {
  return new Promise((resolve) => {
    opening.then(
      () => resolve(null),
      () => void late.then(resolve),
    );
    void late.then((found) => (found === null ? undefined : resolve(found)));
  });
}

/** A slow starter may be of the kind that exits on the probe: it gets one new life, and no probe. */
async function openPatiently(south: South, id: number): Promise<Opened> {
  try {
    return await openSession(south, id);
  } catch (thrown) {
    if (faultOf(thrown).code !== "BACKEND_GONE" || south.wire.respawn === undefined) throw thrown;
    await south.wire.respawn();
    return await openSession(south);
  }
}

/** The late answer is authoritative. Calls in flight end in the dialect that they began in. */
function exchange(south: South, slot: Slot, found: Found): void {
  if (slot.closed) return;
  south.log.info("a slow server turned out to be a modern one", { backend: south.options.name });
  slot.dialect = new SouthModern(south, found);
  for (const kind of ["tools", "prompts", "resources"] as const) south.options.changed(kind);
  void replay(south, slot);
}

/** The new dialect subscribes anew, and whatever changed between the two was heard by neither. */
async function replay(south: South, { dialect, subscribed }: Slot): Promise<void> {
  const again = async ({ uri, abilities }: Wanted): Promise<void> => {
    if ((await dialect?.subscribe(uri, abilities)) === true) south.options.updated(uri, uriParams(uri, south), abilities);
  };
  await Promise.all([...subscribed.values()].map(again)).catch((thrown: unknown) => south.log.debug("a subscription could not be made again", { backend: south.options.name, code: faultOf(thrown).code }));
}
