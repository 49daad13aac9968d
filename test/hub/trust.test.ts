import { describe, expect, test } from "bun:test";
import { type AuditEntry, defaultLimits, Fault, nullAudit, nullLog } from "../../src/base/index.ts";
import type { Inventory, Pins } from "../../src/catalog/index.ts";
import { Trust } from "../../src/hub/trust.ts";
import { offerOf } from "../fixtures/offers.ts";
import { configOf, specOf } from "../fixtures/pool.ts";

function stage() {
  const kept = new Map<string, Pins>();
  const [entries, warnings]: [AuditEntry[], string[]] = [[], []];
  const trust = new Trust({
    files: { recall: () => Promise.resolve(), of: (name) => kept.get(name) ?? null, keep: (name, pins) => void kept.set(name, pins), written: () => Promise.resolve() },
    log: { ...nullLog, warn: (message, fields) => void warnings.push(`${message} ${fields?.["definition"] ?? ""} ${fields?.["difference"] ?? ""}`) },
    audit: { ...nullAudit, record: (entry) => void entries.push(entry) },
    limits: defaultLimits,
  });
  return { trust, kept, entries, warnings };
}

const defining = (...tools: string[]): Inventory => {
  const { inventory } = offerOf("web", { tools: tools.map((text) => JSON.stringify({ name: text.split(" ")[0], description: text, inputSchema: { type: "object" } })) });
  if (inventory === null) throw new Error("no inventory");
  return inventory;
};
const [block, warn, off] = (["block", "warn", "off"] as const).map((pin) => specOf("web", { pin })) as [ReturnType<typeof specOf>, ReturnType<typeof specOf>, ReturnType<typeof specOf>];
const codeOf = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (thrown) {
    return thrown instanceof Fault ? thrown.code : thrown;
  }
};

describe("what a server defines", () => {
  test("is trusted when it is seen for the first time", () => {
    const { trust, kept, entries } = stage();
    expect(trust.withheld(block, defining("read", "write"))).toBeNull();
    expect([...(kept.get("web")?.keys() ?? [])]).toEqual(["tools/read", "tools/write"]);
    expect(entries).toEqual([{ ev: "pin.created", target: "web", count: 2 }]);
    expect(trust.reviews()).toEqual([]);
  });

  test("and changes, or adds, is withheld until somebody accepts what he was shown", () => {
    const { trust, entries, warnings } = stage();
    trust.withheld(block, defining("read", "write"));
    const changed = defining("read evil", "write", "send");
    expect([...(trust.withheld(block, changed) ?? [])]).toEqual(["tools/read", "tools/send"]);
    const review = trust.review("web");
    expect(review.drifts.map(({ key, how }) => [key, how])).toEqual([["tools/read", "changed"], ["tools/send", "new"]]);
    expect(warnings[0]).toBe('a definition is not what was trusted, and withheld tools/read - description: "read" | + description: "read evil"');
    expect(codeOf(() => trust.accept("web", "something else"))).toBe("PARAMS_INVALID");
    expect(trust.accept("web", review.digest)).toEqual(review);
    expect(trust.withheld(block, changed)).toBeNull();
    expect(trust.accept("web", trust.review("web").digest).drifts).toEqual([]);
    expect(entries.map(({ ev, target }) => [ev, target]).slice(1)).toEqual([["pin.changed", "web/tools/read"], ["pin.changed", "web/tools/send"], ["pin.approved", "web/tools/read"], ["pin.approved", "web/tools/send"]]);
  });

  test("is shown all the same where it is only to be told, and told once for each change", () => {
    const { trust, entries, warnings } = stage();
    trust.withheld(warn, defining("read"));
    for (let times = 0; times < 3; times += 1) expect(trust.withheld(warn, defining("read evil"))).toBeNull();
    expect([warnings.length, entries.length]).toEqual([1, 2]);
    trust.withheld(warn, defining("read"));
    trust.withheld(warn, defining("read evil"));
    expect(warnings).toHaveLength(2);
    expect(trust.reviews().map(({ server, pin }) => [server, pin])).toEqual([["web", "warn"]]);
  });

  test("is nobody's business where pinning is off", () => {
    const { trust, kept } = stage();
    trust.withheld(off, defining("read"));
    expect([kept.size, trust.withheld(off, defining("x")), trust.review("web").drifts.length]).toEqual([0, null, 0]);
  });

  test("to one caller alone is compared too, and nothing is learnt from it", () => {
    const { trust, kept } = stage();
    trust.withheld(block, defining("read"));
    expect([...(trust.withheldOf(block, defining("read", "more")) ?? [])]).toEqual(["tools/more"]);
    expect(kept.get("web")?.size).toBe(1);
    expect(trust.review("web").drifts).toEqual([]);
  });

  test("is told in short where it is much", () => {
    const { trust, warnings } = stage();
    trust.withheld(block, defining("read"));
    trust.withheld(block, defining(...Array.from({ length: 50 }, (_, n) => `t${n}`)));
    expect([warnings.length, warnings.at(-1)]).toEqual([21, "more definitions are not what was trusted  "]);
  });

  test("is not known of a server that is gone, or never said anything", async () => {
    const { trust } = stage();
    trust.withheld(block, defining("read"));
    await trust.recall(configOf(specOf("mail")));
    expect(codeOf(() => trust.review("web"))).toBe("NAME_UNKNOWN");
    await trust.close();
  });
});
