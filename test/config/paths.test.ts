import { expect, test } from "bun:test";
import { homedir } from "node:os";
import { defaultConfigPath, defaultStateDir } from "../../src/config/index.ts";

test("on Linux and macOS the configuration lies in ~/.config and the state in ~/.local/state", () => {
  for (const platform of ["linux", "darwin"] as const) {
    expect(defaultConfigPath({ HOME: "/home/ann" }, platform)).toBe("/home/ann/.config/1mcp/mcp.json");
    expect(defaultStateDir({ HOME: "/home/ann" }, platform)).toBe("/home/ann/.local/state/1mcp");
  }
});

test("absolute XDG folders win, relative ones are ignored", () => {
  expect(defaultConfigPath({ HOME: "/h", XDG_CONFIG_HOME: "/etc/xdg" }, "linux")).toBe("/etc/xdg/1mcp/mcp.json");
  expect(defaultConfigPath({ HOME: "/h", XDG_CONFIG_HOME: "xdg" }, "linux")).toBe("/h/.config/1mcp/mcp.json");
  expect(defaultStateDir({ HOME: "/h", XDG_STATE_HOME: "/var/s" }, "linux")).toBe("/var/s/1mcp");
});

test("on Windows the profile folders are used", () => {
  const env = { APPDATA: "C:\\Users\\ann\\AppData\\Roaming", LOCALAPPDATA: "C:\\Users\\ann\\AppData\\Local" };
  expect(defaultConfigPath(env, "win32")).toBe("C:\\Users\\ann\\AppData\\Roaming\\1mcp\\mcp.json");
  expect(defaultStateDir(env, "win32")).toBe("C:\\Users\\ann\\AppData\\Local\\1mcp\\state");
  expect(defaultConfigPath({ USERPROFILE: "C:\\Users\\bo" }, "win32")).toBe("C:\\Users\\bo\\AppData\\Roaming\\1mcp\\mcp.json");
});

test("without HOME the system's own idea of home is used", () => {
  expect(defaultConfigPath({}, "linux")).toBe(`${homedir()}/.config/1mcp/mcp.json`);
});
