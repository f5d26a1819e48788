/** What can be typed in the demo: a line in, what is meant out. */
import { NAMES } from "./fleet.ts";

const ON_SERVERS = ["kill", "freeze", "thaw", "stop", "start"] as const;
export type ServerVerb = (typeof ON_SERVERS)[number];

export type Deed =
  | { readonly kind: "servers"; readonly verb: ServerVerb; readonly names: readonly string[] }
  | { readonly kind: "cut"; readonly one: string; readonly other: string }
  | { readonly kind: "heal" | "open" | "help" | "exit" | "nothing" }
  /** As one server sees it; undefined for any. */
  | { readonly kind: "status"; readonly of: string | undefined }
  | { readonly kind: "wrong"; readonly why: string };

const PLAIN: ReadonlyMap<string, Deed> = new Map<string, Deed>([
  ["", { kind: "nothing" }],
  ["heal", { kind: "heal" }],
  ["open", { kind: "open" }],
  ["addresses", { kind: "open" }],
  ["help", { kind: "help" }],
  ["?", { kind: "help" }],
  ["exit", { kind: "exit" }],
  ["quit", { kind: "exit" }],
]);

/** `all` stands for all servers; `start` alone, too. */
export function deedOf(line: string): Deed {
  const [word = "", ...rest] = line
    .trim()
    .toLowerCase()
    .split(/[\s,]+/);
  const verb = ON_SERVERS.find((known) => known === word);
  const names = rest.filter((name) => !/^-9$|^and$/.test(name));
  const stranger = names.find((name) => name !== "all" && !isServer(name));
  const wrong = (why: string): Deed => ({ kind: "wrong", why });
  if (verb !== undefined) {
    if (stranger !== undefined) return wrong(`there is no server ${stranger}: ${NAMES.join(", ")}`);
    if (names.length === 0 && verb !== "start") return wrong(`${verb} which? ${verb} b`);
    const all = names.length === 0 || names.includes("all");
    return { kind: "servers", verb, names: all ? NAMES : [...new Set(names)] };
  }
  if (word === "cut") {
    const [one, other] = names;
    const good = names.length === 2 && one !== other && names.every(isServer);
    return good ? { kind: "cut", one: one!, other: other! } : wrong("cut between which? cut a c");
  }
  if (word === "status") {
    const of = names[0];
    if (of !== undefined && !isServer(of)) return wrong(`there is no server ${of}`);
    return { kind: "status", of };
  }
  return PLAIN.get(word) ?? wrong(`there is no command ${word}: help lists them`);
}

function isServer(name: string): boolean {
  return NAMES.some((known) => known === name);
}
