import { expect, test } from "bun:test";
import { Secret } from "../../src/base/index.ts";
import { environmentOf } from "../../src/backend/environment.ts";

const parent = {
  PATH: "/bin",
  HOME: "/home/x",
  LC_CTYPE: "C.UTF-8",
  https_proxy: "http://proxy:1",
  SSL_CERT_FILE: "/certs",
  AWS_SECRET_ACCESS_KEY: "not yours",
  NODE_OPTIONS: "--require evil",
  BUN_OPTIONS: "--preload evil",
  LD_PRELOAD: "evil.so",
  DYLD_INSERT_LIBRARIES: "evil.dylib",
  ONE_MCP_TOKEN: "ours",
  GONE: undefined,
};

test("a child gets what programs need and what is declared, and nothing else", () => {
  expect(environmentOf({ env: { TOKEN: new Secret("t"), PATH: "/own" }, inheritParentEnv: false }, parent, "life.1")).toEqual({
    PATH: "/own",
    HOME: "/home/x",
    LC_CTYPE: "C.UTF-8",
    https_proxy: "http://proxy:1",
    SSL_CERT_FILE: "/certs",
    TOKEN: "t",
    ONE_MCP_LIFE: "life.1",
  });
});

test("variables that load code and our own stay out even when everything is inherited", () => {
  const all = environmentOf({ env: {}, inheritParentEnv: true }, parent, "life.1");
  expect(Object.keys(all).toSorted()).toEqual(["AWS_SECRET_ACCESS_KEY", "HOME", "LC_CTYPE", "ONE_MCP_LIFE", "PATH", "SSL_CERT_FILE", "https_proxy"]);
});

test("whose child it is nobody else may say, neither our own environment nor what is declared", () => {
  expect(environmentOf({ env: { ONE_MCP_LIFE: "declared" }, inheritParentEnv: true }, { ONE_MCP_LIFE: "inherited" }, "life.1")).toEqual({ ONE_MCP_LIFE: "life.1" });
});
