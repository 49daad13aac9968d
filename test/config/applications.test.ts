import { expect, test } from "bun:test";
import { applications, manualApplications, placesOf } from "../../src/config/applications.ts";
import { applicationOf } from "../fixtures/apps.ts";

const linux = { HOME: "/home/ada" };
const windows = { USERPROFILE: "C:\\Users\\ada", APPDATA: "C:\\Users\\ada\\AppData\\Roaming" };
const place = (id: string, env: Record<string, string>, platform: NodeJS.Platform): string | undefined => placesOf(applicationOf(id), env, platform).at(-1);

test.each([
  ["claude-desktop", "/home/ada/.config/Claude/claude_desktop_config.json", "/home/ada/Library/Application Support/Claude/claude_desktop_config.json", "C:\\Users\\ada\\AppData\\Roaming\\Claude\\claude_desktop_config.json"],
  ["claude-code", "/home/ada/.claude.json", "/home/ada/.claude.json", "C:\\Users\\ada\\.claude.json"],
  ["cursor", "/home/ada/.cursor/mcp.json", "/home/ada/.cursor/mcp.json", "C:\\Users\\ada\\.cursor\\mcp.json"],
  ["vscode", "/home/ada/.config/Code/User/mcp.json", "/home/ada/Library/Application Support/Code/User/mcp.json", "C:\\Users\\ada\\AppData\\Roaming\\Code\\User\\mcp.json"],
  ["zed", "/home/ada/.config/zed/settings.json", "/home/ada/.config/zed/settings.json", "C:\\Users\\ada\\AppData\\Roaming\\Zed\\settings.json"],
  ["codex", "/home/ada/.codex/config.toml", "/home/ada/.codex/config.toml", "C:\\Users\\ada\\.codex\\config.toml"],
  ["opencode", "/home/ada/.config/opencode/opencode.json", "/home/ada/.config/opencode/opencode.json", "C:\\Users\\ada\\.config\\opencode\\opencode.json"],
  ["goose", "/home/ada/.config/goose/config.yaml", "/home/ada/.config/goose/config.yaml", "C:\\Users\\ada\\AppData\\Roaming\\Block\\goose\\config\\config.yaml"],
])("%s keeps its file where it does on each system", (id, linuxPlace, macPlace, windowsPlace) => {
  const expected = [linuxPlace, macPlace, windowsPlace];
  expect([place(id, linux, "linux"), place(id, linux, "darwin"), place(id, windows, "win32")]).toEqual(expected);
});

test("variables that move a folder count, and no other folder does then: the application looks nowhere else", () => {
  expect(placesOf(applicationOf("codex"), { ...linux, CODEX_HOME: "/c" }, "linux")).toEqual(["/c/config.toml"]);
  expect(placesOf(applicationOf("claude-code"), { ...linux, CLAUDE_CONFIG_DIR: "/k" }, "linux")).toEqual(["/k/.claude.json"]);
  expect(placesOf(applicationOf("claude-code"), { ...linux, CLAUDE_CONFIG_DIR: "" }, "linux")).toEqual(["/home/ada/.claude.json"]);
  expect(place("zed", { ...linux, XDG_CONFIG_HOME: "/x" }, "linux")).toBe("/x/zed/settings.json");
  expect(place("claude-desktop", { USERPROFILE: "C:\\U" }, "win32")).toBe("C:\\U\\AppData\\Roaming\\Claude\\claude_desktop_config.json");
  expect(place("cursor", {}, "linux")).toEndWith("/.cursor/mcp.json");
  expect(place("cursor", {}, "win32")).toEndWith("\\.cursor\\mcp.json");
});

test("each has a word of its own and a place on every system, and words an entry for a program and, if it can, for an address", () => {
  expect(new Set([...applications, ...manualApplications].map(({ id }) => id)).size).toBe(applications.length + manualApplications.length);
  for (const application of applications) {
    for (const platform of ["linux", "darwin", "win32"] as const) expect(placesOf(application, platform === "win32" ? windows : linux, platform).length).toBeGreaterThan(0);
    expect(JSON.stringify(application.dialect.program(["/bin/1mcp", "proxy"]))).toContain("/bin/1mcp");
    if (application.dialect.address !== null) expect(JSON.stringify(application.dialect.address("http://127.0.0.1:3050/mcp"))).toContain("3050/mcp");
  }
});
