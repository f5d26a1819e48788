import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Channel, ListedAccount } from "../../client/index.ts";
import { matchesWildcard as serverMatches } from "../../core/names.ts";
import type { ConversationState } from "../state/conversations.ts";
import { finderOptions, matchesWildcard, OPTIONS_MAX, optionName } from "./finder-matches.ts";

function channel(name: string, more: Partial<Channel> = {}): Channel {
  return { id: `c_${name}`, name, topic: "", private: false, members: 1, ...more };
}

function person(name: string, displayName = "", online = false): ListedAccount {
  return { id: `a_${name}`, name, displayName, online };
}

function ownChannel(name: string, more: Partial<ConversationState> = {}): ConversationState {
  const about = { id: `c_${name}`, kind: "channel", title: name, handle: `#${name}` } as const;
  return { ...about, standing: "member", unread: 0, pending: 0, ...more };
}

function direct(name: string, title = name): ConversationState {
  const about = { id: `d_${name}`, kind: "direct", title, handle: `@${name}` } as const;
  return { ...about, account: { id: `a_${name}`, name }, unread: 0, pending: 0 };
}

const handles = (typed: string, sources: Partial<Parameters<typeof finderOptions>[1]>): string[] =>
  finderOptions(typed, { conversations: [], people: [], channels: [], ...sources }).map(
    ({ handle }) => handle,
  );

describe("the finder", () => {
  test("begins with the newest conversations", () => {
    const conversations = [...Array(20).keys()].map((n) => ownChannel(`c${n}`));
    expect(handles("", { conversations })).toEqual(conversations.slice(0, 8).map((c) => c.handle));
  });

  test("puts the best name first, and of equal ones what is one's own", () => {
    const found = handles("bob", {
      conversations: [ownChannel("thingamabob"), ownChannel("bobsled")],
      people: [person("bobby"), person("bob"), person("jim", "Jim Bob")],
      channels: [channel("about-bob")],
    });
    expect(found).toEqual(["@bob", "#bobsled", "@bobby", "@jim", "#about-bob", "#thingamabob"]);
  });

  test("finds by the shown name, whatever its accents", () => {
    const conversations = [direct("zo", "Zoë Ångström")];
    expect(handles("zoe", { conversations })).toEqual(["@zo"]);
    expect(handles("angs", { conversations })).toEqual(["@zo"]);
    expect(handles("ström", { conversations })).toEqual(["@zo"]);
  });

  test("shows what is in two sources once", () => {
    const found = handles("o", {
      conversations: [ownChannel("ops"), direct("bob")],
      people: [person("bob")],
      channels: [channel("ops", { standing: "member" }), channel("off-topic")],
    });
    expect(found).toEqual(["#ops", "#off-topic", "@bob"]);
  });

  test("takes @ for people only and # for channels only", () => {
    const sources = { people: [person("ops")], channels: [channel("ops")] };
    expect(handles("@o", sources)).toEqual(["@ops"]);
    expect(handles("#o", sources)).toEqual(["#ops"]);
    expect(handles("@", sources)).toEqual(["@ops"]);
  });

  test("takes wildcards as the server does", () => {
    const letters = fc.constantFrom("a", "b", "-");
    const names = fc.array(letters, { maxLength: 8 }).map((all) => all.join(""));
    const patterns = fc
      .array(fc.oneof(letters, fc.constantFrom("*", "?")), { maxLength: 8 })
      .map((all) => all.join(""));
    fc.assert(
      fc.property(patterns, names, (pattern, name) => {
        expect(matchesWildcard(pattern, name)).toBe(serverMatches(pattern, name));
      }),
      { numRuns: 5_000 },
    );
    const conversations = [ownChannel("ops"), ownChannel("dev-ops"), ownChannel("oops")];
    expect(handles("*ops", { conversations })).toEqual(["#ops", "#dev-ops", "#oops"]);
    expect(handles("o?s", { conversations })).toEqual(["#ops"]);
  });

  test("never offers more than fits", () => {
    const people = [...Array(500).keys()].map((n) => person(`bot-${n}`));
    expect(handles("bot", { people }).length).toBe(OPTIONS_MAX);
  });

  test("offers what one is invited to as not joined", () => {
    const invited = ownChannel("secret", { private: true, standing: "invited" });
    const found = finderOptions("secret", {
      conversations: [invited],
      people: [],
      channels: [channel("secret", { private: true, standing: "invited" })],
    });
    expect(found.map(optionName)).toEqual(["#secret, not joined"]);
  });

  test("says who and what an option is", () => {
    const named = (sources: Partial<Parameters<typeof finderOptions>[1]>) =>
      finderOptions("o", { conversations: [], people: [], channels: [], ...sources }).map(
        optionName,
      );
    expect(named({ people: [person("bob", "Bob Example", true)] })).toEqual([
      "@bob, Bob Example, online",
    ]);
    expect(named({ conversations: [direct("bob")] })).toEqual(["@bob"]);
    expect(named({ conversations: [ownChannel("ops", { topic: "on call" })] })).toEqual([
      "#ops, on call",
    ]);
    expect(named({ channels: [channel("ops")] })).toEqual(["#ops, not joined"]);
  });
});
