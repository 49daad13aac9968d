/** The room of calls that wait: counted for each principal and for all, and given back to the last character. */
import { expect, test } from "bun:test";
import { Fault } from "../../src/base/index.ts";
import { type Place, Places } from "../../src/era/places.ts";

const bounds = { parkedMax: 3, parkedPerPrincipalMax: 2, parkedBytesMax: 10_000, parkedBytesPerPrincipalMax: 6000 };
const placeOf = (taken: Place | Fault): Place => {
  if (taken instanceof Fault) throw taken;
  return taken;
};
const detailOf = (taken: Place | Fault): string => (taken instanceof Fault ? taken.message : "");

test("calls of one principal and of all are counted, and leave once", () => {
  const places = new Places(bounds);
  const [one] = [placeOf(places.take("a")), placeOf(places.take("a"))];
  expect(detailOf(places.take("a"))).toContain("parkedPerPrincipalMax");
  placeOf(places.take("b"));
  expect(detailOf(places.take("c"))).toContain("parkedMax");
  one?.leave();
  one?.leave();
  placeOf(places.take("c"));
  expect(detailOf(places.take("d"))).toContain("parkedMax");
});

test("what is held is counted for its principal and for all, also after the call has left", () => {
  const places = new Places(bounds);
  const [one, other] = [placeOf(places.take("a")), placeOf(places.take("b"))];
  expect([one.hold(4000), one.hold(4000), other.hold(4000)]).toEqual([true, false, false]);
  one.leave();
  expect([placeOf(places.take("a")).hold(4000), other.hold(3000)]).toEqual([false, true]);
  one.release(4000);
  const again = placeOf(places.take("a"));
  expect([again.hold(4000), again.hold(4000)]).toEqual([true, false]);
});

test("a call that has left and holds something again takes it from its principal's room, not from one of its own", () => {
  const places = new Places(bounds);
  const early = placeOf(places.take("a"));
  early.leave();
  const later = placeOf(places.take("a"));
  expect([later.hold(1900), early.hold(1900), later.hold(1900), early.hold(1900)]).toEqual([true, true, false, false]);
  early.release(1900);
  placeOf(places.take("a"));
  expect(detailOf(places.take("a"))).toContain("parkedPerPrincipalMax");
  expect([later.hold(1900), later.hold(1900)]).toEqual([true, false]);
});

test("even nothing takes room, so that the number of what is held is bounded too", () => {
  const place = placeOf(new Places(bounds).take("a"));
  let held = 0;
  while (place.hold(0)) held += 1;
  expect(held).toBeLessThan(10);
});
