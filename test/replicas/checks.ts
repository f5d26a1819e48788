/** What must hold of a world, whatever happened in it. Each check throws with what it found. */
import { equalBytes } from "../../src/core/bytes.ts";
import { type Incarnation, messageIdFor } from "../../src/core/ids.ts";
import type { FoldedName } from "../../src/core/names.ts";
import type { Op } from "../../src/core/op.ts";
import { accountCreate } from "../../src/ops/account.ts";
import { messageDelete, messagePost } from "../../src/ops/message.ts";
import type { Outcome } from "../../src/replica/replica.ts";
import type { WorldServer } from "./server.ts";
import type { Request, TakenCursor } from "./workload.ts";

function fail(rule: string, what: string): never {
  throw new Error(`[${rule}] ${what}`);
}

/**
 * R1, at the moment of the answer: every server in a receipt has the op on its disk. Of a disk that is taken out
 * of a running server nobody can know before the link to it ends.
 */
export function receiptIsTrue(
  servers: readonly WorldServer[],
  server: WorldServer,
  n: number,
  { held, of }: Outcome["receipt"],
): void {
  const op = server.disk.ops[n - 1] as Op;
  if (!held.includes(server.name)) fail("R1", `${server.name} answered without itself`);
  if (held.length > of) fail("R1", `${held.length} of ${of}`);
  for (const name of held) {
    if (!servers.some((other) => other.name === name && other.holds(op))) {
      fail("R1", `${server.host} says that ${name} holds ${op.origin} ${op.seq}`);
    }
  }
}

/** R5: an answer is about what was asked for. */
export function answerIsAbout(server: WorldServer, request: Request, { n }: Outcome): void {
  const op = server.disk.ops[n - 1] as Op;
  if (op.author !== request.author || op.id !== request.id || op.kind !== request.kind.number) {
    fail("R5", `an answer to ${request.id} is about ${op.id}`);
  }
}

/** R2: what was acknowledged is there, if any store of its receipt still is. */
export function acknowledgedSurvives(servers: readonly WorldServer[], all: readonly Request[]) {
  const stores = new Set(servers.map(({ disk }) => disk.life));
  for (const { author, id, answers } of all) {
    for (const answer of answers) {
      if (answer.what !== "done" || !answer.stores.some((store) => stores.has(store))) continue;
      for (const server of servers) {
        if (server.view.effect(author, id) === undefined) {
          fail(
            "R2",
            `${id}, held by ${answer.outcome.receipt.held.join()}, is not on ${server.name}`,
          );
        }
      }
    }
  }
}

/** R4: all hold the same ops and show the same. */
export function converged(servers: readonly WorldServer[]): void {
  const [first, ...rest] = servers as [WorldServer, ...WorldServer[]];
  const vector = vectorText(first);
  const dump = [...first.view.dump()].join("\n");
  for (const server of rest) {
    if (vectorText(server) !== vector) {
      fail(
        "R4",
        `vectors differ:\n${first.name}: ${vector}\n${server.name}: ${vectorText(server)}`,
      );
    }
    const other = [...server.view.dump()].join("\n");
    if (other !== dump) fail("R4", firstDifference(dump, other));
  }
}

export function vectorText(server: WorldServer): string {
  const text = ([origin, { seq, chain }]: [Incarnation, { seq: number; chain: Uint8Array }]) =>
    `${origin}:${seq}:${Buffer.from(chain).toString("hex").slice(0, 6)}`;
  return [...server.disk.heads].map(text).sort().join(" ");
}

function firstDifference(a: string, b: string): string {
  const [x, y] = [a.split("\n"), b.split("\n")];
  const at = x.findIndex((line, i) => line !== y[i]);
  return `views differ at line ${at}:\n${x[at]}\n${y[at]}`;
}

/** R5: one effect for each request, and it has what was asked for. */
export function oneEffect(servers: readonly WorldServer[], all: readonly Request[]): void {
  for (const server of servers) {
    for (const { author, id, kind, content } of all) {
      const n = server.view.effect(author, id);
      if (n === undefined) continue;
      const op = server.disk.ops[n - 1] as Op;
      if (op.kind !== kind.number) fail("R5", `${id} is of another kind on ${server.name}`);
      const parsed = kind.parse(n, op);
      if (parsed === null || !kind.same({ scope: op.scope, ...parsed }, content)) {
        fail("R5", `${id} is something else on ${server.name}`);
      }
    }
  }
}

/** R8: no two show one name; and of those acknowledged without any suspicion, none lost it. */
export function namesAreApart(server: WorldServer, all: readonly Request[], isCalm: boolean): void {
  const shown = new Map<string, string>();
  for (const { kind, author, answers, name } of all) {
    if (kind.number !== accountCreate.number || name === null) continue;
    const shows = server.view.shownName("account", author);
    if (shows === null) continue;
    const other = shown.get(shows);
    if (other !== undefined && other !== author) fail("R8", `two accounts show ${shows}`);
    shown.set(shows, author);
    if (!isCalm) continue;
    if (shows !== name) fail("R8", `${name} shows as ${shows}, and nobody suspected anybody`);
    if (answers.length > 0 && answers.every(({ what }) => what === "refused")) {
      const codes = answers.map((answer) => (answer.what === "refused" ? answer.code : ""));
      if (codes.every((code) => code === "name_taken")) {
        fail("R8", `${name} was refused and is there`);
      }
    }
  }
}

/** R8: who is told that a name is taken is told the truth. */
export function takenIsTrue(server: WorldServer, all: readonly Request[]): void {
  const names = new Set(
    all
      .filter(({ answers }) => answers.some(({ what }) => what === "done"))
      .map(({ name }) => name),
  );
  for (const { name, answers } of all) {
    const refused = answers.some(
      (answer) => answer.what === "refused" && answer.code === "name_taken",
    );
    if (
      refused &&
      !names.has(name) &&
      server.view.claims("account", name as FoldedName).length === 0
    ) {
      fail("R8", `${name} is said to be taken, and nobody has it`);
    }
  }
}

/** R6, R7: what a cursor says on another server is true; of a disk that is lost there is nothing to wait for. */
export function cursorIsTrue(
  server: WorldServer,
  cursor: TakenCursor,
  stores: ReadonlySet<string>,
): void {
  const { cursors } = server.replica;
  const parsed = cursors.parse(cursor.text);
  const here = server.foldedSeqs();
  if (stores.has(cursor.storeId) && cursors.covers(parsed)) {
    for (const [origin, seq] of cursor.seen) {
      if ((here.get(origin) ?? 0) >= seq) continue;
      const what = `${server.name} lacks ${origin} ${seq} and says it covers a cursor`;
      fail("R6", `${what} of ${cursor.server}`);
    }
  }
  const n = cursors.arrivalOf(parsed);
  if (n === null) return;
  for (const [i, op] of server.disk.ops.slice(0, n).entries()) {
    const isNew = (cursor.seen.get(op.origin) ?? 0) < op.seq;
    if (isNew && !cursor.had.some(({ bytes }) => equalBytes(bytes, op.bytes))) {
      fail(
        "R7",
        `${server.name} passes over ${op.origin} ${op.seq} (${i + 1} of ${n}), which ${cursor.server} had not`,
      );
    }
  }
}

/** R9: what was deleted is off every disk. */
export function goneIsGone(servers: readonly WorldServer[], all: readonly Request[]): void {
  for (const server of servers) {
    const deleted = new Set<string>();
    for (const { kind, content, author, id } of all) {
      if (kind.number !== messageDelete.number) continue;
      if (server.view.effect(author, id) === undefined) continue;
      deleted.add((content.data as { message: string }).message);
    }
    for (const [i, op] of server.disk.ops.entries()) {
      if (op.kind !== messagePost.number || op.body === null) continue;
      if (!deleted.has(messageIdFor(op.author, op.id))) continue;
      fail("R9", `${server.name} still has the text of op ${i + 1}`);
    }
  }
}
