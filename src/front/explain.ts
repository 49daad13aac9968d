/** What the operator is told of selections: which rules show or hide a tool for somebody, and whom an expression selects. */
import * as v from "valibot";
import { fault } from "../base/index.ts";
import { type FilterMistake, missingPreset, parseFilter, printFilter } from "../config/index.ts";
import type { Hub } from "../hub/index.ts";
import { checked, type OperatorAction } from "./operatorAuth.ts";

const tool = v.strictObject({ name: v.string(), scopes: v.nullable(v.array(v.string())), filter: v.nullable(v.string()) });
const selection = v.strictObject({ filter: v.string() });

/** `POST /explain` about a tool, `POST /selection` about an expression. */
export const explainActions = (hub: Pick<Hub, "explain" | "selected" | "presets">): readonly OperatorAction[] => [
  {
    method: "POST",
    path: "/explain",
    run({ body }) {
      const { filter, ...asked } = checked(tool, body);
      return hub.explain({ ...asked, filter: filter === null ? null : canonical(filter, hub) });
    },
  },
  { method: "POST", path: "/selection", run: ({ body }) => hub.selected(canonical(checked(selection, body).filter, hub)) },
];

function canonical(filter: string, hub: Pick<Hub, "presets">): string {
  const parsed = parseFilter(filter);
  if (!parsed.ok) throw unreadable(parsed);
  const missing = missingPreset(parsed.query, hub.presets());
  if (missing !== null) throw fault("SELECTION_INVALID", { detail: `there is no preset “${missing}” in the running configuration` });
  return printFilter(parsed.query);
}

const unreadable = ({ at, problem }: FilterMistake) => fault("SELECTION_INVALID", { detail: `character ${at + 1}: ${problem}` });
