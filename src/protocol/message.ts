/** JSON-RPC 2.0 messages as MCP uses them (2026-07-28, basic: Messages), payloads unread. */
import type { Raw, RawObject } from "./raw.ts";

/** A request. `id` is the id's JSON text: `1`, `"1"` and `12345678901234567890` stay what they are. */
export interface Request {
  readonly kind: "request";
  readonly id: Raw;
  readonly method: string;
  readonly params: RawObject | null;
  /** `params._meta`, located, if it is an object. */
  readonly meta: RawObject | null;
}

export interface Notification {
  readonly kind: "notification";
  readonly method: string;
  readonly params: RawObject | null;
  readonly meta: RawObject | null;
}

/** A successful response. */
export interface Result {
  readonly kind: "result";
  readonly id: Raw;
  readonly result: RawObject;
  readonly meta: RawObject | null;
}

/** A failed response; `id` is null where the peer could not read it. */
export interface Failure {
  readonly kind: "failure";
  readonly id: Raw | null;
  readonly error: RpcError;
}

export type Message = Request | Notification | Result | Failure;

/** The `error` member of a response. `raw` is the whole object as it came; unknown members stay in it. */
export interface RpcError {
  readonly code: number;
  readonly message: string;
  /** JSON text of `data`, or null. */
  readonly data: Raw | null;
  readonly raw: Raw;
}
