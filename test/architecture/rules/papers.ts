/** The top of the repository and its lists: what may lie there, and that an installation is the same everywhere. */
import { codeOf, valueOf } from "./tokens.ts";
import type { Rule } from "./rule.ts";
import { sourcesOf } from "./rule.ts";

/** Everything that may lie at the top. The second row is made by tools and ignored by git. */
export const topLevel: readonly string[] = Object.freeze([
  ".ci", ".git", ".github", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md", "build.ts", "bun.lock", "bunfig.toml", "docs", "package.json", "release", "src", "test", "tsconfig.json",
  "coverage", "dist", "node_modules", "package-lock.json",
]);

/** The top level holds nothing else. */
export const top = (names: readonly string[]): string[] => names.filter((name) => !topLevel.includes(name)).map((name) => `${name} has no place at the top`);

/** The lock file names versions and checksums, never an address: it must work behind every registry. */
export const lock: Rule = (files) =>
  (files.get("bun.lock") ?? "https://missing").split("\n").flatMap((line, index) => (/https?:\/\//.test(line) ? [`bun.lock:${index + 1} holds an address`] : []));

/** Dependencies have exact versions. */
export const versions: Rule = (files) => {
  const parts = JSON.parse(files.get("package.json") ?? "{}") as Record<string, Record<string, string> | undefined>;
  return ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"].flatMap((part) =>
    Object.entries(parts[part] ?? {})
      .filter(([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version))
      .map(([name, version]) => `package.json ${part}: ${name} has no exact version (${version})`),
  );
};

/** Every code of the catalog of faults is raised somewhere. */
export const raised =
  (codes: readonly string[]): Rule =>
  (files) => {
    const elsewhere = sourcesOf(files).filter(([path]) => path !== "src/base/errors.ts");
    const strings = new Set(elsewhere.flatMap(([, text]) => codeOf(text).map(valueOf)));
    return codes.filter((code) => !strings.has(code)).map((code) => `${code} is raised nowhere`);
  };
