import { expect, test } from "bun:test";
import { style, styleSource } from "../../src/front/style.ts";

test("the policy names the style by its hash, and the style loads nothing", () => {
  const css = /^<style>([^]*)<\/style>$/.exec(String(style))?.[1] ?? "";
  expect(styleSource()).toBe(`'sha256-${new Bun.CryptoHasher("sha256").update(css).digest("base64")}'`);
  expect(css).not.toMatch(/url\(|@import|expression/);
});

test("text and what stands behind it differ enough to be read, in light and in dark (WCAG 2.2, 1.4.3)", () => {
  const sets = [...String(style).matchAll(/:root \{([^}]*)\}/g)].map(([, body]) => Object.fromEntries([...(body ?? "").matchAll(/--([\w-]+): (#\w{6})/g)].map(([, name, value]) => [name, value])) as Record<string, string>);
  expect(sets).toHaveLength(2);
  const light = (hex: string): number => {
    const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a = "", b = ""): number => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  for (const set of sets) for (const [ink, paper] of [["ink", "paper"], ["quiet", "paper"], ["main", "paper"], ["on-main", "main"], ["warn", "warn-paper"], ["warn", "paper"]] as const) expect(contrast(set[ink], set[paper])).toBeGreaterThan(4.5);
});
