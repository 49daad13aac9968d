import { expect, test } from "bun:test";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { systemdVersion } from "../../src/cli/service.ts";
import { runHere } from "../fixtures/cli.ts";
import { createFolder } from "../fixtures/folder.ts";
import { projectDir } from "../fixtures/program.ts";

const env = { HOME: "/home/me", PATH: "/home/me/bin:relative:/usr/bin" };
const self = [process.execPath, join(projectDir, "src", "main.ts")];

test("prints the machine's unit with this program and the machine's folders", async () => {
  const { code, stdout, stderr } = await runHere(["service", "print", "systemd"], env);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toContain(`\nExecStart=${self.join(" ")} serve --config /etc/1mcp/mcp.json --state-dir /var/lib/1mcp\n`);
  expect(stdout).toContain("\nUser=onemcp\n");
  expect(stdout).not.toContain("PATH=");
});

test("prints a user's own with the user's folders, the folders named, and what the environment sets for it", async () => {
  const own = await runHere(["service", "print", "--user", "systemd"], env);
  expect(own.stdout).toContain("serve --config /home/me/.config/1mcp/mcp.json --state-dir /home/me/.local/state/1mcp\n");
  expect(own.stdout).toContain("\nEnvironment=PATH=/home/me/bin:/usr/bin\n");
  const named = await runHere(["service", "print", "systemd", "--config", "/etc/my mcp.json", "--state-dir", "/srv/s"], { ...env, ONE_MCP_GRACEFUL_RESTART: "1", ONE_MCP_PORT: "80", ONE_MCP_HOST: "::1", ONE_MCP_LOG_LEVEL: "warn", ONE_MCP_INSECURE_NO_AUTH: "1" });
  expect(named.stdout).toContain('serve --config "/etc/my mcp.json" --state-dir /srv/s --host ::1 --port 80 --log-level warn --insecure-no-auth --graceful-restart\n');
});

test("leaves out nothing that narrows what the server shows, or whom it takes for the operator", async () => {
  const { stdout } = await runHere(["service", "print", "systemd", "--strict-secrets"], { ...env, ONE_MCP_PRESET: "dev", ONE_MCP_TOKEN_FILE: "/run/token", ONE_MCP_OPERATOR_PASSWORD_FILE: "/run/password" });
  expect(stdout).toContain("--state-dir /var/lib/1mcp --token-file /run/token --operator-password-file /run/password --filter preset:dev --strict-secrets\n");
  const negated = await runHere(["service", "print", "systemd"], { ...env, ONE_MCP_FILTER: "-a b" });
  expect(negated.stdout).toContain(' --filter "!a && b"\n');
  expect((await runHere(["service", "print", "systemd"], { ...env, ONE_MCP_FILTER: "a &&" })).code).toBe(2);
});

test("prints the property list of launchd", async () => {
  const { stdout } = await runHere(["service", "print", "launchd", "--user"], { HOME: "/Users/me & you", PATH: "" });
  expect(stdout).toContain("<string>/Users/me &amp; you/.local/state/1mcp</string>");
  expect(stdout).not.toContain("<key>PATH</key>");
});

test("says which managers there are", async () => {
  for (const more of [[], ["upstart"], ["constructor"]]) {
    const { code, stdout, stderr } = await runHere(["service", "print", ...more], env);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("needs one of systemd, launchd");
  }
});

test("writes no path that would break a line", async () => {
  const { code, stderr } = await runHere(["service", "print", "systemd", "--config", "/a\nb"], env);
  expect([code, stderr.includes("control characters")]).toEqual([2, true]);
});

test("knows the version of systemd, where there is one", async () => {
  expect(await systemdVersion("/nowhere/systemctl")).toBeNull();
  expect(await systemdVersion("true")).toBeNull();
  await using folder = await createFolder();
  await Bun.write(folder.at("systemctl"), "#!/bin/sh\necho 'systemd 257 (257.9-1)'\necho '+PAM'\n");
  await chmod(folder.at("systemctl"), 0o755);
  expect(await systemdVersion(folder.at("systemctl"))).toBe(257);
});
