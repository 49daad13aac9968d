/** What the operator is told of the tools that models are shown: the texts themselves, for whoever counts what they cost. */
import type { Hub } from "../hub/index.ts";
import type { OperatorAction } from "./operatorAuth.ts";

/** `GET /definitions`. */
export const definitionActions = (hub: Pick<Hub, "definitions">): readonly OperatorAction[] => [{ method: "GET", path: "/definitions", run: () => hub.definitions() }];
