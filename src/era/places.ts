/**
 * The room that calls take which wait inside for their clients: their number, and the characters of what is kept for
 * them, of each principal and of all. It exists so that neither one client nor one server can fill the memory with what
 * nobody comes back for.
 */
import { type Fault, fault, type Limits } from "../base/index.ts";

type Bounds = Pick<Limits, "parkedMax" | "parkedPerPrincipalMax" | "parkedBytesMax" | "parkedBytesPerPrincipalMax">;

/** What anything that is kept takes beside its text, about. */
const overheadBytes = 1024;

interface Share {
  calls: number;
  bytes: number;
}

/** The room of one call. */
export interface Place {
  /** Takes room for a text of this length; false: there is none. */
  hold(length: number): boolean;
  /** Gives back what `hold` took for a text of this length. */
  release(length: number): void;
  /** The call waits no more; what is still held stays held. */
  leave(): void;
}

export class Places {
  readonly #limits: Bounds;
  readonly #shares = new Map<string, Share>();
  readonly #all: Share = { calls: 0, bytes: 0 };

  constructor(limits: Bounds) {
    this.#limits = limits;
  }

  /** A place for a call of this principal, or why there is none. */
  take(principalId: string): Place | Fault {
    const full = this.#full(principalId);
    if (full !== null) return fault("LIMIT_REACHED", { detail: `limits.${full}` });
    this.#count(principalId, 1, 0);
    let left = false;
    return {
      hold: (length) => this.#hold(principalId, length + overheadBytes),
      release: (length) => this.#count(principalId, 0, -length - overheadBytes),
      leave: () => {
        if (!left) this.#count(principalId, -1, 0);
        left = true;
      },
    };
  }

  // Looked up each time: who holds nothing has none, and gets another one with whatever comes next, of whichever call.
  #shareOf(principalId: string): Share {
    return this.#shares.get(principalId) ?? { calls: 0, bytes: 0 };
  }

  #full(principalId: string): keyof Bounds | null {
    if (this.#shareOf(principalId).calls >= this.#limits.parkedPerPrincipalMax) return "parkedPerPrincipalMax";
    return this.#all.calls >= this.#limits.parkedMax ? "parkedMax" : null;
  }

  #hold(principalId: string, bytes: number): boolean {
    const { parkedBytesPerPrincipalMax, parkedBytesMax } = this.#limits;
    if (this.#shareOf(principalId).bytes + bytes > parkedBytesPerPrincipalMax || this.#all.bytes + bytes > parkedBytesMax) return false;
    this.#count(principalId, 0, bytes);
    return true;
  }

  #count(principalId: string, calls: number, bytes: number): void {
    const own = this.#shareOf(principalId);
    for (const share of [own, this.#all]) {
      share.calls += calls;
      share.bytes += bytes;
    }
    if (own.calls === 0 && own.bytes === 0) this.#shares.delete(principalId);
    else this.#shares.set(principalId, own);
  }
}
