import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseCommandLine } from "../../src/cli/strict.ts";

const read = (line: string) => {
  const parsed = parseCommandLine(line.split(" ").filter(Boolean));
  return parsed.ok ? [parsed.command.words.join(" "), Object.fromEntries(parsed.given)] : [parsed.problem, parsed.hint];
};

test("flags stand before, between and after the words of a command", () => {
  expect(read("")).toEqual(["serve", {}]);
  expect(read("--port 1 serve -c=a --insecure-no-auth")).toEqual(["serve", { port: "1", config: "a", "insecure-no-auth": "1" }]);
  expect(read("--log-level debug config --config x check --state-dir=y")).toEqual(["config check", { "log-level": "debug", config: "x", "state-dir": "y" }]);
  expect(read("-P 0 -H ::1")).toEqual(["serve", { port: "0", host: "::1" }]);
});

test("a flag given twice counts as the last one", () => {
  expect(read("--config a serve --config b")).toEqual(["serve", { config: "b" }]);
});

test("a value may be anything behind =, and - alone is a value", () => {
  expect(read("--config=-x=y")).toEqual(["serve", { config: "-x=y" }]);
  expect(read("--config -")).toEqual(["serve", { config: "-" }]);
});

test("unknown flags and commands are refused, with what was meant where that is near", () => {
  expect(read("serve --prot 3")).toEqual(["there is no flag --prot", "did you mean --port?"]);
  expect(read("--no-auth")).toEqual(["there is no flag --no-auth", null]);
  expect(read("-x")).toEqual(["there is no flag -x", null]);
  expect(read("--versoin")).toEqual(["there is no flag --versoin", "did you mean --version?"]);
  expect(read("sevre")).toEqual(["there is no command “sevre”", "did you mean serve?"]);
  expect(read("list")).toEqual(["there is no command “list”", "did you mean mcp list?"]);
  expect(read("mcp add git npx -y")).toEqual(["“mcp add” takes no “npx”", "a command stands behind --: 1mcp mcp add git -- npx …"]);
  expect(read("config chekc")).toEqual(["there is no command “config chekc”", "did you mean check?"]);
  expect(read("config")).toEqual(["“config” needs one more word: check, schema, reload, backup, backups, restore, diff, edit", null]);
  expect(read("serve now")).toEqual(["“serve” takes no “now”", null]);
  expect(read("serve -- now")).toEqual(["nothing may follow --", null]);
});

test("a flag without its value is refused, and so is a switch with one", () => {
  expect(read("--port")).toEqual(["--port needs a value: --port PORT", null]);
  expect(read("--port=")).toEqual(["--port needs a value: --port PORT", null]);
  expect(read("--config --port 1")).toEqual(["--config needs a value: --config FILE", null]);
  expect(read("--insecure-no-auth=0")).toEqual(["--insecure-no-auth takes no value", null]);
});

test("a flag of another command is refused", () => {
  expect(read("config check --port 1")).toEqual(["--port belongs to “serve”, not to “config check”", null]);
});

test("no command line makes it throw, and what is accepted was all understood", () => {
  const word = fc.oneof(fc.constantFrom("serve", "config", "check", "--port", "--port=1", "-c", "x", "--", "-", "--insecure-no-auth", ""), fc.string());
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), (argv) => {
      const parsed = parseCommandLine(argv);
      if (parsed.ok) expect(argv.filter((text) => text.startsWith("--")).every((text) => /^--(port|port=.+|insecure-no-auth|\w[\w-]*=.+)$/.test(text) || argv[argv.indexOf(text) - 1] === "-c")).toBeTrue();
      else expect(parsed.problem).not.toBe("");
    }),
  );
});

test("a command that takes a word takes one, whatever it is, and no other does", () => {
  const operand = (line: string) => {
    const parsed = parseCommandLine(line.split(" "));
    return parsed.ok ? parsed.operand : parsed.problem;
  };
  expect([operand("status"), operand("status one"), operand("--json status serve"), operand("status - --json")]).toEqual([null, "one", "serve", "-"]);
  expect([operand("status one two"), operand("serve one")]).toEqual(["“status” takes no “two”", "“serve” takes no “one”"]);
});

test("behind -- stands a command of its own, flags and all, for those that take one", () => {
  const rest = (line: string) => {
    const parsed = parseCommandLine(line.split(" "));
    return parsed.ok ? [parsed.operand, parsed.rest, Object.fromEntries(parsed.given)] : parsed.problem;
  };
  expect(rest("mcp add x --tag a -- npx -y --config z -- q")).toEqual(["x", ["npx", "-y", "--config", "z", "--", "q"], { tag: "a" }]);
  expect(rest("mcp add x --")).toBe("the command is missing behind --");
  expect(rest("mcp remove x -- y")).toBe("nothing may follow --");
});

test("a command that takes many words takes them all, and its own words are not among them", () => {
  const rest = (line: string) => {
    const parsed = parseCommandLine(line.split(" "));
    return parsed.ok ? [parsed.command.words.join(" "), parsed.operand, parsed.rest] : parsed.problem;
  };
  expect(rest("mcp tools deny git enable list_* ?x")).toEqual(["mcp tools deny", "git", ["enable", "list_*", "?x"]]);
  expect(rest("mcp tools git enable")).toBe("“mcp tools” takes no “enable”");
  expect(rest("mcp tools")).toEqual(["mcp tools", null, []]);
});

test("a flag may have another name, and -f follows where something can be followed", () => {
  const given = (line: string) => {
    const parsed = parseCommandLine(line.split(" "));
    return parsed.ok ? Object.fromEntries(parsed.given) : parsed.problem;
  };
  expect(given("mcp add x --headers A=b --header C=d --url http://a")).toEqual({ header: "A=b\0C=d", url: "http://a" });
  expect(given("mcp logs git -f")).toEqual({ follow: "1" });
  expect(given("serve -f a")).toEqual({ filter: "a" });
});

test("one name of two flags means the one of the command it stands with", () => {
  const given = (...argv: string[]) => {
    const line = parseCommandLine(argv);
    return line.ok ? [Object.fromEntries(line.given), line.operand] : line.problem;
  };
  expect(given("app", "consolidate", "--yes", "cursor")).toEqual([{ "assume-yes": "1" }, "cursor"]);
  expect(given("app", "restore", "cursor", "-y")).toEqual([{ "assume-yes": "1" }, "cursor"]);
  expect(given("approve", "--yes", "AB12")).toEqual([{ yes: "AB12" }, null]);
  expect(given("app", "backups", "--verify")).toEqual([{ "verify-backups": "1" }, null]);
  expect(given("version", "--verify", "SHA256SUMS")).toEqual([{ verify: "SHA256SUMS" }, null]);
  expect(given("status", "--assume-yes")).toContain("belongs to");
});
