import { describe, expect, test } from "bun:test";
import { faults } from "../../src/base/index.ts";
import { lock, raised, top, versions } from "./rules/papers.ts";
import { filesOf } from "./rules/rule.ts";
import { readTop, readTree } from "./tree.ts";

const tree = await readTree();

describe("this house", () => {
  test("has nothing at the top that does not belong there", async () => expect(top(await readTop())).toEqual([]));
  test("has its usual papers", async () => {
    expect(await readTop()).toEqual(expect.arrayContaining(["README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "bun.lock", "docs", ".ci"]));
  });
  test("has a lock file without addresses", () => expect(lock(tree)).toEqual([]));
  test("has exact versions", () => expect(versions(tree)).toEqual([]));
  test("raises every fault of its catalog somewhere", () => expect(raised(Object.keys(faults))(tree)).toEqual([]));
});

describe("the rules on papers", () => {
  test("catch a stranger at the top", () => {
    expect(top(["src", ".eslintrc", "docs"])).toEqual([".eslintrc has no place at the top"]);
  });

  test("catch an address in the lock file, and a lock file that is missing", () => {
    expect(lock(filesOf({ "bun.lock": '{\n"a": ["a@1.0.0", "https://127.0.0.1/a.tgz"]\n}' }))).toEqual(["bun.lock:2 holds an address"]);
    expect(lock(filesOf({}))).toHaveLength(1);
  });

  test.each(["^1.0.0", "~1.0.0", "1.x", "*", "latest", "file:../a", "1.0"])("catch the version %s", (version) => {
    expect(versions(filesOf({ "package.json": JSON.stringify({ devDependencies: { a: version, b: "1.0.0", c: "1.0.0-alpha.1" } }) }))).toEqual([
      `package.json devDependencies: a has no exact version (${version})`,
    ]);
  });

  test("catch a fault that nobody raises, or that stands in a comment only", () => {
    const files = filesOf({ "src/base/errors.ts": '"LOST" "USED"', "src/hub/a.ts": 'throw fault("USED"); // "LOST"' });
    expect(raised(["LOST", "USED"])(files)).toEqual(["LOST is raised nowhere"]);
  });
});
