import { describe, expect, test } from "bun:test";
import { chmod, mkdir } from "node:fs/promises";
import fc from "fast-check";
import { machinePaths, quotedWord, type ServiceFacts, unitOf } from "../../src/cli/unit.ts";
import { createFolder } from "../fixtures/folder.ts";

const facts = (more: Partial<ServiceFacts> = {}): ServiceFacts => ({ ...machinePaths, argv: ["/usr/local/bin/1mcp", "serve", "--config", machinePaths.configPath, "--state-dir", machinePaths.stateDir], isUser: false, path: null, ...more });
/** The values of a name, in order. */
const valuesOf = (unit: string, name: string): string[] => unit.split("\n").filter((line) => line.startsWith(`${name}=`)).map((line) => line.slice(name.length + 1));

describe("the machine's unit", () => {
  test("as an administrator reads it", () => {
    expect(unitOf(facts(), 255)).toMatchInlineSnapshot(`
      "[Unit]
      Description=1mcp: one door to many MCP servers
      Wants=network-online.target
      After=network-online.target

      [Service]
      Type=notify-reload
      NotifyAccess=main
      ExecStart=/usr/local/bin/1mcp serve --config /etc/1mcp/mcp.json --state-dir /var/lib/1mcp
      WatchdogSec=30
      Restart=on-failure
      RestartSec=2
      # A wrong configuration or command line is not better the next time.
      RestartPreventExitStatus=78 2
      # The server ends its own children; whoever is left after it is killed.
      KillMode=mixed
      TimeoutStopSec=90
      # A child that the system ends for want of memory is started again by the server.
      OOMPolicy=continue
      UMask=0077
      User=onemcp
      Group=onemcp
      StateDirectory=1mcp
      StateDirectoryMode=0700
      # npx, uvx and their like keep what they have loaded at home.
      Environment=HOME=/var/lib/1mcp
      ConfigurationDirectory=1mcp
      ConfigurationDirectoryMode=0755
      LimitNOFILE=65536
      NoNewPrivileges=yes
      LockPersonality=yes
      RestrictNamespaces=yes
      RestrictRealtime=yes
      RestrictSUIDSGID=yes
      RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
      SystemCallArchitectures=native
      SystemCallFilter=@system-service
      SystemCallErrorNumber=EPERM
      # Not MemoryDenyWriteExecute: JavaScript engines, this one too, write the code they run.
      CapabilityBoundingSet=
      AmbientCapabilities=
      ProtectSystem=strict
      ProtectHome=yes
      PrivateTmp=yes
      PrivateDevices=yes
      ProtectKernelTunables=yes
      ProtectKernelModules=yes
      ProtectKernelLogs=yes
      ProtectControlGroups=yes
      ProtectClock=yes
      ProtectHostname=yes
      ProtectProc=invisible
      KeyringMode=private
      RemoveIPC=yes

      [Install]
      WantedBy=multi-user.target
      "
    `);
  });

  test("waits for reloads where systemd can, and asks for them by a signal where it cannot", () => {
    for (const version of [253, 260]) expect([valuesOf(unitOf(facts(), version), "Type"), valuesOf(unitOf(facts(), version), "ExecReload")]).toEqual([["notify-reload"], []]);
    for (const version of [252, null]) expect([valuesOf(unitOf(facts(), version), "Type"), valuesOf(unitOf(facts(), version), "ExecReload")]).toEqual([["notify"], ["kill -HUP $MAINPID"]]);
  });

  test("opens a state folder that lies elsewhere, and homes only where something of it lies there", () => {
    const elsewhere = unitOf(facts({ stateDir: "/srv/my state" }), 255);
    expect([valuesOf(elsewhere, "StateDirectory"), valuesOf(elsewhere, "ReadWritePaths"), valuesOf(elsewhere, "ProtectHome")]).toEqual([[], ['"/srv/my state"'], ["yes"]]);
    expect(valuesOf(unitOf(facts({ stateDir: "/var/lib/../etc" }), 255), "StateDirectory")).toEqual([]);
    expect(valuesOf(unitOf(facts({ stateDir: "/var/lib/a/b" }), 255), "StateDirectory")).toEqual(["a/b"]);
    expect(valuesOf(unitOf(facts({ configPath: "/home/me/mcp.json" }), 255), "ProtectHome")).toEqual(["read-only"]);
    expect(valuesOf(unitOf(facts({ argv: ["/home/me/1mcp"] }), 255), "ProtectHome")).toEqual(["read-only"]);
  });
});

describe("one user's unit", () => {
  test("has what a user's manager can give, and finds what the user has installed", () => {
    const unit = unitOf(facts({ isUser: true, path: "/home/me/my bin:/usr/bin" }), 252);
    expect(valuesOf(unit, "Environment")).toEqual(['"PATH=/home/me/my bin:/usr/bin"']);
    expect(valuesOf(unit, "WantedBy")).toEqual(["default.target"]);
    for (const name of ["User", "ProtectSystem", "ProtectHome", "PrivateDevices", "CapabilityBoundingSet", "StateDirectory", "After"]) expect(valuesOf(unit, name)).toEqual([]);
    expect(valuesOf(unit, "NoNewPrivileges")).toEqual(["yes"]);
  });
});

describe("a word of a line", () => {
  test("stands for itself, whatever is in it", () => {
    expect(quotedWord("/usr/bin/1mcp", false)).toBe("/usr/bin/1mcp");
    expect(quotedWord("/a b/50%/x", true)).toBe('"/a b/50%%/x"');
    expect(quotedWord("$HOME", true)).toBe("$$HOME");
    expect(quotedWord("/$HOME", false)).toBe("/$HOME");
    expect(quotedWord('a"b\\c', true)).toBe('"a\\"b\\\\c"');
    expect(quotedWord("a\nb", true)).toBe('"a\\x0ab"');
    expect(quotedWord("", true)).toBe('""');
  });

  test("comes back when it is read as systemd reads it", () => {
    fc.assert(fc.property(fc.string({ unit: "grapheme" }), (word) => expect(read(quotedWord(word, true))).toBe(word)));
  });
});

/** systemd.syntax(7) and systemd.service(5): quotes, C escapes, %% and $$. */
function read(text: string): string {
  const isQuoted = text.startsWith('"');
  expect(isQuoted ? text.endsWith('"') && text.length > 1 : !/[\s"'\\]/.test(text)).toBeTrue();
  const bare = isQuoted ? text.slice(1, -1).replace(/\\(?:x([\da-f]{2})|(.))/gs, (_, hex: string | undefined, one: string) => (hex === undefined ? one : String.fromCharCode(Number.parseInt(hex, 16)))) : text;
  expect(bare.replaceAll("%%", "")).not.toContain("%");
  return bare.replaceAll("%%", "%").replaceAll("$$", "$");
}

const analyze = Bun.which("systemd-analyze");
/** Whether it is the version that the pages name. */
const isNamed = analyze !== null && Bun.spawnSync([analyze, "--version"]).stdout.toString().startsWith("systemd 252 ");

describe.skipIf(analyze === null)("systemd itself", () => {
  // What it verifies it looks up: the program has to be there. It starts nothing.
  async function verified(unit: (dir: string) => string, name = "plain"): Promise<{ code: number; said: string }> {
    await using folder = await createFolder();
    const dir = folder.at(name);
    await mkdir(dir);
    await Bun.write(`${dir}/1mcp`, "#!/bin/sh\n");
    await chmod(`${dir}/1mcp`, 0o755);
    await Bun.write(folder.at("1mcp.service"), unit(dir));
    const child = Bun.spawn(["systemd-analyze", "verify", "--man=no", folder.at("1mcp.service")], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    return { code, said: `${out}${err}`.split("\n").filter((line) => line.includes("1mcp.service")).join("\n") };
  }
  const at = (dir: string, more: Partial<ServiceFacts> = {}) => facts({ argv: [`${dir}/1mcp`, "serve", "--config", `${dir}/a%b $c.json`], configPath: `${dir}/a%b $c.json`, stateDir: `${dir}/state`, ...more });

  test.each([false, true])("finds nothing wrong with it, whatever the folder is called (a user's: %p)", async (isUser) => {
    for (const name of ["plain", "my 50% $HOME", `my "50%" $HOME \\ folder`]) {
      expect(await verified((dir) => unitOf(at(dir, { isUser, path: isUser ? `${dir}:/bin` : null }), null), name)).toEqual({ code: 0, said: "" });
    }
  });

  // What else it looks at, and how much that weighs, is another version's affair.
  test.skipIf(!isNamed)("finds its exposure as low as the pages say", async () => {
    await using folder = await createFolder();
    const exposure = async (more: Partial<ServiceFacts>): Promise<string> => {
      await Bun.write(folder.at("1mcp.service"), unitOf(facts(more), null));
      const child = Bun.spawn(["systemd-analyze", "security", "--offline=yes", "--no-pager", folder.at("1mcp.service")], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
      return /Overall exposure level.*: (\d+\.\d+) OK/u.exec(await child.stdout.text())?.[1] ?? "none";
    };
    const [usual, home] = [await exposure({}), await exposure({ argv: ["/home/ada/1mcp", "serve"] })];
    for (const [page, said] of [["operations", `(systemd 252): ${usual}, “OK”; ${home} where`], ["releasing", `is ${usual} (OK)`]]) expect(await Bun.file(`${import.meta.dir}/../../docs/${page}.md`).text()).toContain(said ?? "");
  });

  test("finds it, if something is", async () => {
    const { said } = await verified((dir) => unitOf(at(dir), null).replace("KillMode=mixed", "KillMode=sometimes"));
    expect(said).toContain("sometimes");
  });
});
