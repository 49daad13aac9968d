/**
 * What the operator does about grants, over his socket: see who waits and decide, see what was granted and end it, make
 * and replace tokens, let a browser in, set the password of the pages, pin clients.
 */
import * as v from "valibot";
import type { AuthOperator } from "../auth/index.ts";
import { fault } from "../base/index.ts";

/** One thing that the operator can ask for. What it gives is answered as JSON; an expected failure as a Fault. */
export interface OperatorAction {
  readonly method: "GET" | "POST";
  /** A path, in which `:id` stands for one segment. */
  readonly path: string;
  run(asked: Asked): unknown;
}

/** What was asked. */
export interface Asked {
  /** What stands for `:id`, decoded; "" where the path has none. */
  readonly id: string;
  /** The body's JSON value; undefined for none. */
  readonly body: unknown;
}

const decision = v.variant("approve", [v.strictObject({ approve: v.literal(true), scopes: v.array(v.string()) }), v.strictObject({ approve: v.literal(false) })]);
const newToken = v.strictObject({ name: v.string(), scopes: v.nullable(v.array(v.string())), lifeMs: v.number(), sources: v.exactOptional(v.array(v.string())) });
const revocation = v.strictObject({ id: v.string() });
const client = v.strictObject({ url: v.string() });
const pin = v.strictObject({ url: v.string(), digest: v.string() });
const password = v.strictObject({ password: v.nullable(v.string()) });

/** The body of a request of the operator's, where it is what the schema says. Throws PARAMS_INVALID with the place that is not. */
export function checked<T>(schema: v.GenericSchema<unknown, T>, body: unknown): T {
  const parsed = v.safeParse(schema, body);
  if (parsed.success) return parsed.output;
  throw fault("PARAMS_INVALID", { detail: v.getDotPath(parsed.issues[0]) ?? "the body" });
}

/** All of them. */
export const authActions = (operator: AuthOperator): readonly OperatorAction[] => [
  { method: "GET", path: "/auth/waiting", run: () => ({ waiting: operator.waiting() }) },
  {
    method: "POST",
    path: "/auth/waiting/:id",
    async run({ id, body }) {
      await operator.decide(id, checked(decision, body));
      return { decided: id };
    },
  },
  { method: "GET", path: "/auth/grants", run: () => ({ grants: operator.grants() }) },
  { method: "POST", path: "/auth/grants/revoke", run: ({ body }) => ({ revoked: operator.revoke(checked(revocation, body).id) }) },
  { method: "POST", path: "/auth/tokens", run: ({ body }) => operator.createToken(checked(newToken, body)) },
  { method: "POST", path: "/auth/tokens/:id/rotate", run: ({ id }) => operator.rotateToken(id) },
  { method: "GET", path: "/auth/clients", run: () => ({ pinned: operator.pinnedClients() }) },
  { method: "POST", path: "/auth/clients/look", run: ({ body }) => operator.lookAtClient(checked(client, body).url) },
  {
    method: "POST",
    path: "/auth/clients/pin",
    run({ body }) {
      const { url, digest } = checked(pin, body);
      operator.pinClient(url, digest);
      return { pinned: url };
    },
  },
  {
    method: "POST",
    path: "/auth/clients/unpin",
    run({ body }) {
      const { url } = checked(client, body);
      operator.unpinClient(url);
      return { unpinned: url };
    },
  },
  { method: "POST", path: "/auth/open", run: () => ({ url: operator.openLink() }) },
  {
    method: "POST",
    path: "/auth/password",
    async run({ body }) {
      const given = checked(password, body).password;
      await operator.setPassword(given);
      return { isSet: given !== null };
    },
  },
];
