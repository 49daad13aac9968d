import { expect, test } from "bun:test";
import fc from "fast-check";
import { nearestOf } from "../../src/base/index.ts";

test("one slip of the keyboard finds the word that was meant", () => {
  const words = ["command", "args", "env", "connectionTimeout", "port"];
  expect(nearestOf("comand", words)).toBe("command");
  expect(nearestOf("prot", words)).toBe("port");
  expect(nearestOf("Args", words)).toBe("args");
  expect(nearestOf("connectionTimeOut", words)).toBe("connectionTimeout");
});

test("a word that is far from all of them suggests nothing", () => {
  expect(nearestOf("banana", ["command", "args"])).toBeNull();
  expect(nearestOf("x", ["args"])).toBeNull();
  expect(nearestOf("", ["a"])).toBeNull();
  expect(nearestOf("a".repeat(100), ["a".repeat(100)])).toBeNull();
});

test("of two near words the nearer one is suggested", () => {
  expect(nearestOf("headrs", ["header", "headers"])).toBe("headers");
});

test("a word itself is always found, and so is it with two neighbours swapped", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z]{2,12}$/), fc.nat(), (word, seed) => {
      expect(nearestOf(word, ["#", word])).toBe(word);
      const index = seed % (word.length - 1);
      const swapped = word.slice(0, index) + word[index + 1] + word[index] + word.slice(index + 2);
      expect(nearestOf(swapped, [word])).toBe(word);
    }),
  );
});
