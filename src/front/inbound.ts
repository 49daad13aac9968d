/** One request as the era room sees it. A class, because closures for each request would be made and thrown away. */
import type { HttpIn } from "../era/index.ts";
import type { Principal, Selection } from "../protocol/index.ts";
import type { OpenRequest } from "./callers.ts";

export class Inbound implements HttpIn, OpenRequest {
  readonly verb: HttpIn["verb"];
  readonly body: Uint8Array | null;
  readonly principal: Principal;
  readonly selection: Selection;
  readonly #request: Request;
  #listeners: (() => void)[] | null = null;
  #state: "open" | "cut" | "done" = "open";

  constructor(request: Request, body: Uint8Array | null, principal: Principal, selection: Selection) {
    this.#request = request;
    this.verb = request.method as HttpIn["verb"];
    this.body = body;
    this.principal = principal;
    this.selection = selection;
  }

  /** It was taken from its client. */
  get isCut(): boolean {
    return this.#state === "cut";
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
    if (signal.aborted || this.#state === "cut") return listener();
    if (this.#listeners !== null) return void this.#listeners.push(listener);
    this.#listeners = [listener];
    signal.addEventListener("abort", () => this.#end("open"), { once: true });
  }

  /** To whoever answers it is as if the client had gone. */
  cut(): void {
    this.#end("cut");
  }

  /** The answer is complete: a connection that closes now is nobody's loss. */
  done(): void {
    this.#state = this.#state === "open" ? "done" : this.#state;
    this.#listeners = null;
  }

  #end(state: "open" | "cut"): void {
    if (this.#state !== "open") return;
    this.#state = state;
    const listeners = this.#listeners ?? [];
    this.#listeners = [];
    for (const listener of listeners) listener();
  }
}
