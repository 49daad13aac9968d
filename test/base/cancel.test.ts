import { expect, test } from "bun:test";
import { CancelSource } from "../../src/base/index.ts";

test("cancelling tells every listener the reason, once", () => {
  const source = new CancelSource();
  const heard: string[] = [];
  source.onCancel((reason) => heard.push(`a ${reason}`));
  source.onCancel((reason) => heard.push(`b ${reason}`));
  expect(source.cancelled).toBe(false);
  source.cancel("gone");
  source.cancel("again");
  expect(source.cancelled).toBe(true);
  expect(heard).toEqual(["a gone", "b gone"]);
});

test("a listener that comes too late hears it at once", () => {
  const source = new CancelSource();
  source.cancel("gone");
  const heard: string[] = [];
  const stop = source.onCancel((reason) => heard.push(reason));
  stop();
  expect(heard).toEqual(["gone"]);
});

test("a listener that stopped hears nothing, the others do", () => {
  const source = new CancelSource();
  const heard: string[] = [];
  const stop = source.onCancel(() => heard.push("stopped"));
  source.onCancel(() => heard.push("stays"));
  stop();
  stop();
  source.cancel("gone");
  stop();
  expect(heard).toEqual(["stays"]);
});
