import { expect, test } from "bun:test";
import fc from "fast-check";
import { aliasEntry, aliasOf, meantBy, templateAliasOf } from "../../src/catalog/alias.ts";
import { defaultLimits } from "../../src/base/index.ts";

test("an alias says whose resource it is and gives the URI back, whatever it is", () => {
  expect(aliasOf("files", "file:///a b?c#d/é")).toBe("x-1mcp://files/file%3A%2F%2F%2Fa%20b%3Fc%23d%2F%C3%A9");
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z0-9_.-]+$/), fc.string({ minLength: 1, unit: "grapheme" }), (server, uri) => {
      expect(meantBy(aliasOf(server, uri))).toEqual({ server, uri });
    }),
  );
});

test("the alias of a template stands for what the template is expanded to, escaped once and no more", () => {
  expect(templateAliasOf("files", "file:///{+path}{?q}")).toBe("x-1mcp://files/-/file:///{+path}{?q}");
  expect(meantBy("x-1mcp://files/-/file:///a%20b?q=%2F")).toEqual({ server: "files", uri: "file:///a%20b?q=%2F" });
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z0-9_.-]+$/), fc.string({ minLength: 1, unit: "grapheme" }), (server, uri) => {
      expect(meantBy(templateAliasOf(server, uri))).toEqual({ server, uri });
    }),
  );
});

test("what is not written as one is no alias", () => {
  for (const uri of ["", "x://1", "x-1mcp://", "x-1mcp://a", "x-1mcp://a/", "x-1mcp:///u", "x-1mcp://a/b/c", "x-1mcp://a/%", "x-1mcp://a/%ff", "x-1mcp://a/-/", "X-1mcp://a/u"]) expect(meantBy(uri)).toBeNull();
});

test("an entry under its alias keeps everything else as it came", () => {
  const entry = { public: "x://1", route: { backend: "b", local: "x://1", tool: null }, raw: '{"uri":"x://1","size":9007199254740993,"x":1.10}' };
  expect(aliasEntry("resources", entry, defaultLimits)).toEqual({ public: "x-1mcp://b/x%3A%2F%2F1", route: entry.route, raw: '{"uri":"x-1mcp://b/x%3A%2F%2F1","size":9007199254740993,"x":1.10}' });
  const template = { public: "x://{1}", route: { backend: "b", local: "x://{1}", tool: null }, raw: '{"x":1.10,"uriTemplate":"x://{1}"}' };
  expect(aliasEntry("templates", template, defaultLimits)).toEqual({ public: "x-1mcp://b/-/x://{1}", route: template.route, raw: '{"x":1.10,"uriTemplate":"x-1mcp://b/-/x://{1}"}' });
  expect(aliasEntry("resources", { ...entry, raw: "[" }, defaultLimits)).toBeNull();
});
