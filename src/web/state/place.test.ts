/** The address and the place: one for one, and home for whatever is no place. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  ADMIN_TABS,
  HashPlace,
  HOME,
  hashOf,
  type PlaceAt,
  parseHash,
  SETTINGS_TABS,
} from "./place.ts";
import type { Address } from "./ports.ts";

const POSITION = "06h089qmvc000-a.b6irdaff35/0123456789-17";
const PLACES: readonly [string, PlaceAt][] = [
  ["#/", { is: "home" }],
  ["#/c/c_abc", { is: "conversation", id: "c_abc" }],
  ["#/c/c_abc/members", { is: "conversation", id: "c_abc", side: "members" }],
  ["#/c/c_abc/details", { is: "conversation", id: "c_abc", side: "details" }],
  [
    `#/c/c_abc/at/${encodeURIComponent(POSITION)}`,
    { is: "conversation", id: "c_abc", at: POSITION },
  ],
  ["#/search?q=a%20%26%20b%3F&in=c_abc", { is: "search", text: "a & b?", in: "c_abc" }],
  ["#/search?q=", { is: "search", text: "" }],
  ...SETTINGS_TABS.map((tab): [string, PlaceAt] => [`#/settings/${tab}`, { is: "settings", tab }]),
  ["#/channel/c_abc/settings", { is: "channel-settings", id: "c_abc" }],
  ...ADMIN_TABS.map((tab): [string, PlaceAt] => [`#/admin/${tab}`, { is: "admin", tab }]),
  ["#/guide", { is: "guide" }],
  ["#/join/A%2FB", { is: "invite", code: "A/B" }],
];

test("every place has an address, and every address its place", () => {
  for (const [hash, place] of PLACES) {
    expect(hashOf(place)).toBe(hash);
    expect(parseHash(hash)).toEqual({ place });
  }
});

test("names are looked up, nonsense is home, and nothing throws", () => {
  for (const [hash, reference] of [
    ["#/@bob", "@bob"],
    ["#/#ops", "#ops"],
    ["#/%23ops", "#ops"],
    ["#/c/@bob", "@bob"],
    ["#/c/a_abc", "a_abc"],
  ]) {
    expect(parseHash(hash as string)).toEqual({ reference: reference as string });
  }
  for (const hash of ["", "#", "#/", "#nothing", "#/c", "#/c/", "#/channel/x", "#/join", "#/%"]) {
    expect(parseHash(hash)).toEqual({ place: HOME });
  }
  expect(parseHash("#/settings/nothing")).toEqual({ place: { is: "settings", tab: "profile" } });
  expect(parseHash("#/c/%E0%A4%A")).toEqual({ place: { is: "conversation", id: "%E0%A4%A" } });
  fc.assert(
    fc.property(fc.string(), fc.string({ unit: "binary" }), (text, other) => {
      parseHash(`#/${text}`);
      parseHash(other);
      const at: PlaceAt = { is: "search", text: other };
      expect(parseHash(hashOf(at))).toEqual({ place: at });
    }),
  );
  expect(hashOf({ is: "search", text: "half \ud83d" })).toBe("#/search?q=half%20%EF%BF%BD");
});

class FakeAddress implements Address {
  entries = [{ hash: "#/c/c_one", depth: 0 }];
  at = 0;
  run = () => {};
  hash = () => this.entries[this.at]?.hash ?? "";
  depth = () => this.entries[this.at]?.depth ?? 0;
  push(hash: string, depth: number): void {
    this.entries = [...this.entries.slice(0, this.at + 1), { hash, depth }];
    this.at++;
  }
  replace(hash: string, depth: number): void {
    this.entries[this.at] = { hash, depth };
  }
  back(): void {
    this.at--;
    this.run();
  }
  onChange(run: () => void): () => void {
    this.run = run;
    return () => {};
  }
}

test("back leads to where one came from, and home where one began", () => {
  const address = new FakeAddress();
  const place = new HashPlace(address);
  expect(place.current.value).toEqual({ is: "conversation", id: "c_one" });
  place.go({ is: "settings", tab: "profile" });
  place.go({ is: "settings", tab: "profile" }); // the same again is no step
  place.go({ is: "settings", tab: "security" }, { replace: true });
  expect(address.entries.map(({ hash }) => hash)).toEqual(["#/c/c_one", "#/settings/security"]);
  place.back();
  expect(place.current.value).toEqual({ is: "conversation", id: "c_one" });
  place.back();
  expect(place.current.value).toEqual(HOME);
  expect(address.entries.length).toBe(2);
  expect(address.at).toBe(0);
});

test("a name that is known at once is where one ends up", () => {
  const address = new FakeAddress();
  const place = new HashPlace(address);
  place.wanted.subscribe((name) => {
    if (name !== undefined) place.go({ is: "conversation", id: "d_bob" }, { replace: true });
  });
  address.push("#/@bob", 1);
  address.run();
  expect(place.current.value).toEqual({ is: "conversation", id: "d_bob" });
  expect(address.hash()).toBe("#/c/d_bob");
});

test("whoever goes somewhere no longer waits for a name to be looked up", () => {
  const address = new FakeAddress();
  const place = new HashPlace(address);
  address.push("#/@bob", 1);
  address.run();
  expect(place.wanted.value).toBe("@bob");
  expect(place.current.value).toEqual(HOME);
  place.go({ is: "guide" });
  expect(place.wanted.value).toBeUndefined();
});
