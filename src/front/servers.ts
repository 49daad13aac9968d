/** What the operator is told of single servers, and does with them: how it is, its tools, its last lines, begin it anew. */
import * as v from "valibot";
import { type Clock, fault, type Limits, type Tail } from "../base/index.ts";
import { type Hub, serverFactsOf } from "../hub/index.ts";
import { checked, type OperatorAction } from "./operatorAuth.ts";

/** How long the operator may wait, and does. */
type Waits = Pick<Limits, "tailWaitMs" | "settleMsMax">;

const lines = v.strictObject({ server: v.nullable(v.string()), after: v.number(), linesMax: v.pipe(v.number(), v.minValue(1)), wait: v.boolean() });

/** `POST /servers/<name>/settled` and `/restart`, `GET /servers/<name>/tools`, `POST /logs`. */
export const serverActions = (hub: Pick<Hub, "settled" | "restart" | "tools" | "status">, tail: Tail, clock: Clock, limits: Waits): readonly OperatorAction[] => {
  const patience = v.strictObject({ ms: v.pipe(v.number(), v.minValue(0), v.maxValue(limits.settleMsMax)) });
  return [
    { method: "POST", path: "/servers/:id/settled", run: async ({ id, body }) => serverFactsOf(await hub.settled(id, checked(patience, body).ms)) },
    {
      method: "POST",
      path: "/servers/:id/restart",
      async run({ id, body }) {
        const { ms } = checked(patience, body);
        await hub.restart(id);
        return serverFactsOf(await hub.settled(id, ms));
      },
    },
    { method: "GET", path: "/servers/:id/tools", run: ({ id }) => ({ server: id, tools: hub.tools(id) }) },
    {
      method: "POST",
      path: "/logs",
      async run({ body }) {
        const { wait, ...query } = checked(lines, body);
        const isKnown = query.server === null || hub.status().backends.some(({ name }) => name === query.server);
        const found = wait ? await tail.next(query, limits.tailWaitMs, clock) : tail.read(query);
        // Of one that is gone by now the last lines may be just what is looked for.
        if (!isKnown && found.length === 0) throw fault("NAME_UNKNOWN", { detail: `server “${query.server}”`, hint: "`1mcp mcp list` has those there are" });
        return { lines: found };
      },
    },
  ];
};
