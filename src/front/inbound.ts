/** One request as the era room sees it. A class, because closures for each request would be made and thrown away. */
import type { HttpIn } from "../era/index.ts";
import type { Principal, Selection } from "../protocol/index.ts";

export class Inbound implements HttpIn {
  readonly verb: HttpIn["verb"];
  readonly body: Uint8Array | null;
  readonly principal: Principal;
  readonly selection: Selection;
  readonly #request: Request;
  #done = false;

  constructor(request: Request, body: Uint8Array | null, principal: Principal, selection: Selection) {
    this.#request = request;
    this.verb = request.method as HttpIn["verb"];
    this.body = body;
    this.principal = principal;
    this.selection = selection;
  }

  header(name: string): string | null {
    return this.#request.headers.get(name);
  }

  headersFrom(prefix: string): Readonly<Record<string, string>> {
    const found: Record<string, string> = {};
    for (const [name, value] of this.#request.headers) if (name.startsWith(prefix)) found[name] = value;
    return found;
  }

  // The signal is made by the runtime when it is first looked at, so nobody pays for it who does not listen.
  onGone(listener: () => void): void {
    const { signal } = this.#request;
    if (signal.aborted) listener();
    else signal.addEventListener("abort", () => this.#done || listener(), { once: true });
  }

  /** The answer is complete: a connection that closes now is nobody's loss. */
  done(): void {
    this.#done = true;
  }
}
