import { describe, expect, test } from "bun:test";
import { defaultLimits } from "../../src/base/index.ts";
import { limits, settableIn } from "./rules/limits.ts";
import { filesOf } from "./rules/rule.ts";
import { readTree } from "./tree.ts";

const tree = await readTree();

describe("this house", () => {
  test("offers no limit that it would not heed", () => expect(limits(tree)).toEqual([]));
  test("has a table that the rule can read", () => expect(settableIn(tree.get("src/base/limits.ts") ?? "")).toEqual(Object.keys(defaultLimits)));
});

describe("the rule on limits", () => {
  const judge = (text: string) => limits(filesOf({ "src/base/limits.ts": "export const defaultLimits = Object.freeze({\n  aMax: 1,\n});\nexport const fixedBounds = Object.freeze({\n  bMax: 1,\n});", "src/hub/a.ts": text }));

  test.each([
    "",
    "const most = defaultLimits.aMax;",
    "const most = defaultLimits[\"aMax\"];",
    "const { aMax } = defaultLimits; if (count > aMax) return;",
    "type Bounds = Pick<Limits, \"aMax\">;",
    "type Bounds = Pick<Limits, \"aMax\" | \"cMax\">;",
    "// limits.aMax",
    "const hint = \"raise limits.aMax\";",
    "f(bMax, aMax);",
  ])("catches a limit that is read by nothing but %j", (text) => {
    expect(judge(text)).toEqual(["src/base/limits.ts offers aMax, and no configuration is asked for it"]);
  });

  test.each([
    "const most = limits.aMax ?? defaultLimits.aMax;",
    "const { aMax } = config.limits;",
    "const { aMax, cMax: other } = this.#limits;",
    "function f({ aMax }: Limits) {}",
    "const f = ({ limits: { aMax } }) => aMax;",
    "const most = limits[\"aMax\"];",
    "const most = limitIn(document, \"aMax\");",
  ])("allows %j", (text) => expect(judge(text)).toEqual([]));
});
