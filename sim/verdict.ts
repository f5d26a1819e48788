/** What must hold of a world in the end, whatever happened in it. Each check complains of the first it finds. */
import { plainOrigin } from "../src/core/branch.ts";
import { equalBytes } from "../src/core/bytes.ts";
import { channelIdFor } from "../src/core/ids.ts";
import type { Op } from "../src/core/op.ts";
import { compareStamps } from "../src/core/stamp.ts";
import { channelCreate } from "../src/ops/channel.ts";
import { sha256 } from "../src/storage/log-hash.ts";
import { SqliteView } from "../src/storage/view.ts";
import type { Disk } from "./disk.ts";
import type { Person, Write } from "./person.ts";
import type { SimServer } from "./server.ts";
import { textsAreRight } from "./texts.ts";
import { isKept } from "./witness.ts";
import type { Violation, World } from "./world.ts";

const READ_MS = 60_000;
/** Erased text leaves the disks within a minute of its acknowledgment; and some time to see that. */
const ERASED_MS = 70_000;

export function judge(world: World): void {
  viewsAreOne(world);
  textsAreRight(world);
  acknowledgedSurvives(world);
  oneEffect(world);
  refusedNeverWas(world);
  namesAreApart(world);
  nothingWasMissed(world);
  goneIsGone(world);
  world.pass(0);
}

function viewOf(server: SimServer): SqliteView {
  const { running } = server;
  if (running === null) throw new Error(`${server.name} is down`);
  return running.view;
}

/** R4: one view on all servers, and folded anew it is the same. */
function viewsAreOne(world: World): void {
  const dumps = world.servers.map((server) => [...viewOf(server).dump()]);
  const [first = []] = dumps;
  for (const [i, dump] of dumps.entries()) {
    const difference = firstDifference(first, dump);
    if (difference === null) continue;
    const names = `${world.servers[0]?.name} and ${world.servers[i]?.name}`;
    world.fail("R4", `${names} hold the same and show different things:\n${difference}`);
  }
  const server = world.chance.pick(world.servers);
  const log = (server.running as NonNullable<SimServer["running"]>).log;
  const { view } = SqliteView.open({ path: ":memory:", hash: sha256, log });
  while (view.catchUp());
  const difference = firstDifference(dumps[world.servers.indexOf(server)] ?? [], [...view.dump()]);
  view.close();
  if (difference !== null) world.fail("R4", `${server.name}, folded anew:\n${difference}`);
}

function firstDifference(a: readonly string[], b: readonly string[]): string | null {
  const at = Array.from({ length: Math.max(a.length, b.length) }).findIndex(
    (_, i) => a[i] !== b[i],
  );
  return at < 0 ? null : `line ${at}:\n${a[at]}\n${b[at]}`;
}

/** R2: what was acknowledged is on every server, if any disk of its receipt still has it. */
function acknowledgedSurvives(world: World): void {
  const inUse = world.disksInUse;
  for (const { author, id, method, receipt, copies, atMs } of world.witness.acknowledged) {
    if (!copies.some((copy) => isKept(copy, atMs, inUse))) {
      world.sometimes.happened("acknowledged, and every disk of its receipt was lost");
      continue;
    }
    for (const server of world.servers) {
      if (world.witness.index(server.disk).find(author, id) !== undefined) continue;
      const what = `${method} ${id}, held by ${receipt.held.join()}`;
      world.fail("R2", `${what}, is not on ${server.name}`);
    }
  }
}

/** R5: of ops of one author and one id, the one that counts is the first in the total order. */
function oneEffect(world: World): void {
  const [server] = world.servers;
  if (server === undefined) return;
  const view = viewOf(server);
  const first = new Map<string, { readonly op: Op; readonly n: number }>();
  for (const [i, op] of server.disk.ops.entries()) {
    const key = `${op.author} ${op.id}`;
    const known = first.get(key);
    if (known !== undefined) world.sometimes.happened("one effect was minted more than once");
    if (known === undefined || comparePlaces(op, known.op) < 0) first.set(key, { op, n: i + 1 });
  }
  for (const { op, n } of first.values()) {
    const counts = view.effect(op.author, op.id);
    if (counts === undefined || counts === n) continue;
    // What a salvage kept above a gap came back under its old name, too: one op in two places.
    if (equalBytes((server.disk.ops[counts - 1] as Op).bytes, op.bytes)) continue;
    world.fail("R5", `of ${op.author} ${op.id} op ${counts} counts, not ${n}`);
  }
}

/** By stamp, then origin, then seq; which branch of an incarnation it is filed under says nothing. */
function comparePlaces(a: Op, b: Op): number {
  const byStamp = compareStamps(a.stamp, b.stamp);
  if (byStamp !== 0) return byStamp;
  const [one, other] = [plainOrigin(a.origin), plainOrigin(b.origin)];
  return one === other ? a.seq - b.seq : one < other ? -1 : 1;
}

/** R11: what its caller was told is refused is nowhere. */
function refusedNeverWas(world: World): void {
  for (const { told, id, method, person } of world.writes) {
    if (told.is !== "refused" || told.code === "id_reused") continue;
    for (const server of world.servers) {
      const n = world.witness.index(server.disk).find(null, id);
      if (n === undefined || isRepeatOfSignIn(method)) continue;
      world.fail(
        "R11",
        `${method} ${id} of ${person} was refused (${told.code}: ${told.why}) and is on ${server.name}`,
      );
    }
  }
}

/** What is stored before the session that fails is another effect: the account is there. */
function isRepeatOfSignIn(method: string): boolean {
  return method === "session.open";
}

/** R8: no two accounts and no two channels show one name. */
function namesAreApart(world: World): void {
  const [server] = world.servers;
  if (server === undefined) return;
  for (const table of ["account", "channel"] as const) {
    const shown = new Map<string, string>();
    for (const holder of holdersOf(server, table)) {
      const name = viewOf(server).shownName(table, holder as never);
      if (name === null) continue;
      const other = shown.get(name);
      if (other !== undefined && other !== holder) {
        world.fail("R8", `${other} and ${holder} both show ${name}`);
      }
      shown.set(name, holder);
      if (name.includes("~")) world.sometimes.happened("a name got a suffix");
    }
  }
}

function holdersOf(server: SimServer, table: "account" | "channel"): Set<string> {
  const kept = new Set<string>();
  for (const { author, scope, kind, id } of server.disk.ops) {
    if (table === "account") kept.add(author);
    else if (kind === channelCreate.number) kept.add(channelIdFor(sha256, author, id));
    else if (scope?.startsWith("c_")) kept.add(scope);
  }
  return kept;
}

/** R7: what every client shows is what there is. */
function nothingWasMissed(world: World): void {
  for (const person of world.people) {
    const { client } = person;
    if (client === null) continue;
    const what = `${person.host} reads everything`;
    const conversations = world.wait(what, READ_MS, person.conversations(client));
    for (const conversation of conversations) {
      const all = world.wait(what, READ_MS, person.history(client, conversation));
      compareShown(world, person, conversation, all);
    }
  }
}

type History = Awaited<ReturnType<Person["history"]>>;

function compareShown(world: World, person: Person, conversation: string, all: History): void {
  const shown = person.shown.get(conversation);
  for (const [i, { id, text, isDeleted, position }] of all.entries()) {
    const before = all[i - 1]?.position ?? "";
    if (position <= before) world.fail("R7", `${conversation} is out of order at ${id}`);
    const has = shown.get(id);
    const what = `${person.host} (${person.name}), ${conversation}, ${id} "${text}"`;
    if (has === undefined) world.fail("R7", `${what}: never came`);
    else if (has.isDeleted && !world.isDeletedSomewhere(id)) {
      world.sometimes.happened("a deletion was lost with its disks");
    } else if (has.text !== text || has.isDeleted !== isDeleted) {
      world.fail("R7", `${what}: shows "${has.text}"${has.isDeleted ? " (deleted)" : ""}`);
    } else if (has.position !== position) {
      world.fail("R7", `${what}: stands at ${has.position}, not at ${position}`);
    }
  }
  const there = new Set(all.map(({ id }) => id));
  for (const [id, { text }] of shown) {
    // What a ban hides is on the disks, and who saw it before may go on showing it.
    if (there.has(id) || world.servers.some(({ disk }) => isOn(world, disk, id))) continue;
    const what = `${person.host} (${person.name}), ${conversation}, ${id} "${text}"`;
    world.fail("R7", `${what}: is on no disk, and still shown`);
  }
  world.sometimes.happened("messages compared with what a client shows", all.length);
}

function isOn(world: World, disk: Disk, message: string): boolean {
  return world.witness.index(disk).message(message) !== undefined;
}

/** R9: what was deleted, and is known to be, is off every disk. */
function goneIsGone(world: World): void {
  const deletions = world.writes.filter(
    (write) =>
      write.method === "message.delete" && write.told.is === "acknowledged" && world.isKept(write),
  );
  const texts = (write: Write) => (write.params as { message: string }).message;
  const left = () =>
    deletions.flatMap((write) =>
      world.servers.flatMap(({ name, disk }) => {
        const n = world.witness.index(disk).message(texts(write));
        return n !== undefined && disk.ops[n - 1]?.body !== null
          ? [`${texts(write)} on ${name}`]
          : [];
      }),
    );
  try {
    world.until("what was deleted is erased", ERASED_MS, () => left().length === 0);
  } catch (error) {
    const still = left().slice(0, 5).join(", ");
    world.fail("R9", `still there: ${still}\n${(error as Violation).message}`);
    return;
  }
  world.sometimes.happened("a deletion that left every disk", deletions.length);
}
