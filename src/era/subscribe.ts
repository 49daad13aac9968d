/**
 * What a 2025 session wants to hear of beside its calls: changed lists, always, and single resources that it subscribed
 * to (2025-11-25, server/resources: subscriptions). Both come as messages that belong to no request, and end with the
 * session.
 */
import { fault, type Fault, faultOf } from "../base/index.ts";
import { errorText, notificationText, rawOf, type Request, resultText, rpcErrorOf, ServerError, stringOf, type Subscribed, type Watching } from "../protocol/index.ts";
import type { Sink } from "./clientCall.ts";
import { changeMethods, updateMethod } from "./listen.ts";
import type { North } from "./north.ts";
import { legacyError } from "./refusals.ts";
import type { Session } from "./session.ts";
import type { Caller } from "./types.ts";
import { newestLegacy } from "./version.ts";

/** The session's watch, opened at its first use; null when the session is over. Throws LIMIT_REACHED. */
export function watchOf({ serve }: North, session: Session, { principal, selection }: Caller): Watching | null {
  return session.watchOnce(() =>
    serve.watch({
      principal,
      selection,
      // Some open it before their handshake says what they are.
      get client() {
        return session.client;
      },
      session: session.tie,
      changed: (kind) => session.announce(notificationText(changeMethods[kind], null)),
      updated: (_uri, params) => session.announce(notificationText(updateMethod, rawOf(params))),
    }),
  );
}

/** Answers `resources/subscribe`, once it is known whether anybody tells of the resource. */
export function subscribe(north: North, session: Session, message: Request, caller: Caller, sink: Sink): void {
  const uri = uriOf(message);
  if (uri === null) return refuse(north, session, message, noUri(), sink);
  wish(north, session, uri, caller).then(
    (outcome) => {
      const refused = refusalOf(outcome, uri);
      if (refused === null) sink.answer(200, resultText(message.id, "{}"));
      else refuse(north, session, message, refused, sink);
    },
    (thrown: unknown) => refuse(north, session, message, faultOf(thrown), sink),
  );
}

/** Answers `resources/unsubscribe`; what was not subscribed to is fine. */
export function unsubscribe(north: North, session: Session, message: Request, caller: Caller, sink: Sink): void {
  const uri = uriOf(message);
  if (uri === null) return refuse(north, session, message, noUri(), sink);
  Promise.try(() => watchOf(north, session, caller)?.unsubscribe(uri)).then(
    () => sink.answer(200, resultText(message.id, "{}")),
    (thrown: unknown) => refuse(north, session, message, faultOf(thrown), sink),
  );
}

const uriOf = ({ params }: Request): string | null => (params === null ? null : stringOf(params, "uri"));
const noUri = (): Fault => fault("PARAMS_INVALID", { detail: '"uri" must be a string' });

async function wish(north: North, session: Session, uri: string, caller: Caller): Promise<Subscribed> {
  return (await watchOf(north, session, caller)?.subscribe(uri)) ?? "unknown";
}

function refusalOf(outcome: Subscribed, uri: string): Fault | null {
  if (outcome === "subscribed") return null;
  if (outcome === "unknown") return fault("NAME_UNKNOWN", { detail: `resource ${JSON.stringify(uri)}`, data: { uri } });
  return fault("METHOD_UNKNOWN", { detail: "the server of this resource takes no subscriptions", data: { uri } });
}

function refuse({ limits }: North, session: Session, { id, method }: Request, refused: Fault, sink: Sink): void {
  const error = refused instanceof ServerError ? refused.error : rpcErrorOf(refused);
  sink.answer(200, errorText(id, legacyError(error, method, session.revision ?? newestLegacy, limits)));
}
