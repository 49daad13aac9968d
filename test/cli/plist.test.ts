import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { plistOf } from "../../src/cli/plist.ts";
import { machinePaths, type ServiceFacts } from "../../src/cli/unit.ts";
import { createFolder } from "../fixtures/folder.ts";

const facts = (more: Partial<ServiceFacts> = {}): ServiceFacts => ({ ...machinePaths, argv: ["/usr/local/bin/1mcp", "serve"], isUser: false, path: null, ...more });

type Value = string | number | boolean | Value[] | { [key: string]: Value };

/** Reads a property list, and refuses whatever is not exactly one. */
function read(text: string): Value {
  const [, body = ""] = /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<!DOCTYPE plist PUBLIC "[^"]+" "[^"]+">\n<plist version="1\.0">(.*)<\/plist>\n$/su.exec(text) ?? [];
  const tokens = body.match(/<[^<>]*>|[^<>]+/gu) ?? [];
  expect(tokens.join("")).toBe(body);
  let at = 0;
  const next = (): string => tokens[at++] ?? "";
  const skip = (): void => void (/^\s*$/u.test(tokens[at] ?? "x") && (at += 1));
  const textOf = (close: string): string => {
    const found = tokens[at] === close ? "" : next();
    expect(next()).toBe(close);
    expect(found.replace(/&(?:amp|lt|gt|quot|#\d+);/gu, "")).not.toContain("&");
    return found.replace(/&(amp|lt|gt|quot|#(\d+));/gu, (_, name: string, code?: string) => (code === undefined ? ({ amp: "&", lt: "<", gt: ">", quot: '"' }[name] ?? "") : String.fromCharCode(Number(code))));
  };
  const until = (close: string, take: () => void): void => {
    for (skip(); tokens[at] !== close; skip()) take();
    at += 1;
  };
  const value = (): Value => {
    skip();
    const open = next();
    if (open === "<string>") return textOf("</string>");
    if (open === "<integer>") return Number(textOf("</integer>"));
    if (open === "<true/>" || open === "<false/>") return open === "<true/>";
    const [list, dict]: [Value[], { [key: string]: Value }] = [[], {}];
    if (open === "<array>") until("</array>", () => void list.push(value()));
    else {
      expect(open).toBe("<dict>");
      until("</dict>", () => {
        expect(next()).toBe("<key>");
        const key = textOf("</key>");
        dict[key] = value();
      });
    }
    return open === "<array>" ? list : dict;
  };
  const all = value();
  skip();
  expect(at).toBe(tokens.length);
  return all;
}

describe("the property list", () => {
  test("runs the machine's server as a user of its own, again after a failure only", () => {
    expect(read(plistOf(facts()))).toEqual({
      Label: "1mcp.serve",
      ProgramArguments: ["/usr/local/bin/1mcp", "serve"],
      RunAtLoad: true,
      KeepAlive: { SuccessfulExit: false },
      ThrottleInterval: 10,
      ExitTimeOut: 90,
      ProcessType: "Background",
      Umask: 0o077,
      WorkingDirectory: "/var/lib/1mcp",
      StandardErrorPath: "/var/lib/1mcp/serve.log",
      EnvironmentVariables: { HOME: "/var/lib/1mcp" },
      UserName: "_onemcp",
      GroupName: "_onemcp",
    });
  });

  test("runs a user's own with what the user has installed", () => {
    const list = read(plistOf(facts({ isUser: true, path: "/opt/homebrew/bin:/usr/bin", stateDir: "/Users/me/.local/state/1mcp" })));
    expect(list).toMatchObject({ EnvironmentVariables: { PATH: "/opt/homebrew/bin:/usr/bin" }, WorkingDirectory: "/Users/me/.local/state" });
    expect(Object.keys(list)).not.toContain("UserName");
    expect(Object.keys(read(plistOf(facts({ isUser: true }))))).not.toContain("EnvironmentVariables");
  });

  test("holds every path as it is", () => {
    const path = fc.string({ unit: "grapheme" }).filter((text) => !/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/u.test(text));
    fc.assert(fc.property(fc.array(path), (argv) => expect(read(plistOf(facts({ argv })))).toMatchObject({ ProgramArguments: argv })));
  });

  test.skipIf(Bun.which("plutil") === null)("is one for the system's own reader", async () => {
    await using folder = await createFolder();
    await Bun.write(folder.at("1mcp.serve.plist"), plistOf(facts({ argv: ["/a & b/<1mcp>", 'say "hi"'] })));
    const child = Bun.spawn(["plutil", "-lint", folder.at("1mcp.serve.plist")], { stdout: "ignore", stderr: "ignore" });
    expect(await child.exited).toBe(0);
  });
});
