/**
 * What people do to a world of replicas: they write, repeat what went unanswered through other servers, ask two
 * servers at once, race for names, delete; and they read with cursors taken elsewhere.
 */

import type { Chance } from "../../sim/chance.ts";
import type { Time } from "../../sim/clock.ts";
import { Refusal } from "../../src/core/errors.ts";
import {
  type AccountId,
  accountIdFor,
  accountIdOf,
  type Incarnation,
  messageIdFor,
  type RequestId,
  requestIdFrom,
} from "../../src/core/ids.ts";
import type { FoldedName } from "../../src/core/names.ts";
import type { Op } from "../../src/core/op.ts";
import { accountCreate } from "../../src/ops/account.ts";
import type { Content, Kind } from "../../src/ops/kind.ts";
import { messageDelete, messagePost } from "../../src/ops/message.ts";
import type { Outcome } from "../../src/replica/replica.ts";
import { sha256 } from "../../src/storage/log-hash.ts";
import type { WorldServer } from "./server.ts";

const PEOPLE = 4;
const NAMES = ["ada", "bob", "eve"] as const;

type Content_ = Content<unknown, unknown>;

/** One thing that somebody wants, however often they ask. */
export type Request = {
  readonly author: AccountId;
  readonly id: RequestId;
  readonly kind: Kind;
  readonly content: Content_;
  /** The name that it claims. */
  readonly name: FoldedName | null;
  readonly answers: Answer[];
  asked: number;
  /** Attempts without an answer yet. */
  open: number;
};

export type Answer =
  | {
      readonly what: "done";
      readonly server: WorldServer;
      readonly outcome: Outcome;
      readonly stores: readonly string[];
    }
  | { readonly what: "refused"; readonly code: string };

export type TakenCursor = {
  readonly text: string;
  readonly server: string;
  readonly storeId: string;
  /** What was folded on the server that made it. */
  readonly seen: ReadonlyMap<Incarnation, number>;
  /** The same ops, which may have other names since: a salvage or another branch gives them some. */
  readonly had: readonly Op[];
};

export class Workload {
  readonly requests: Request[] = [];
  readonly cursors: TakenCursor[] = [];
  /** Called at the moment of an answer. */
  onDone: (server: WorldServer, request: Request, outcome: Outcome) => void = () => {};
  isOver = false;
  private readonly time: Time;
  private readonly chance: Chance;
  private readonly servers: readonly WorldServer[];
  private readonly people: AccountId[];
  private made = 0;

  constructor(time: Time, chance: Chance, servers: readonly WorldServer[]) {
    this.time = time;
    this.chance = chance;
    this.servers = servers;
    this.people = Array.from({ length: PEOPLE }, (_, i) =>
      accountIdOf(new Uint8Array(16).fill(i + 1)),
    );
  }

  /** Something happens about so often. */
  begin(everyMs: number): void {
    const next = () => {
      if (this.isOver) return;
      this.act();
      this.time.at(this.chance.between(0, 2 * everyMs), next);
    };
    this.time.at(0, next);
  }

  private act(): void {
    const doing = this.chance.next();
    if (doing < 0.5) this.ask(this.post());
    else if (doing < 0.6) this.race();
    else if (doing < 0.7) this.hedge();
    else if (doing < 0.8) this.remove();
    else if (doing < 0.9) this.again();
    else this.takeCursor();
  }

  private up(): WorldServer[] {
    return this.servers.filter((server) => server.isUp && !server.isFrozen);
  }

  private newId(): RequestId {
    return requestIdFrom(1_700_000_000_000 + this.made++, this.chance.bytes(10));
  }

  private request(
    author: AccountId,
    id: RequestId,
    kind: unknown,
    content: Content_,
    name: FoldedName | null = null,
  ): Request {
    const request: Request = {
      author,
      id,
      kind: kind as Kind,
      content,
      name,
      answers: [],
      asked: 0,
      open: 0,
    };
    this.requests.push(request);
    return request;
  }

  post(): Request {
    const author = this.chance.pick(this.people);
    const text = `text ${this.made} ${"x".repeat(this.chance.below(60))}`;
    const scope = this.chance.pick(this.people);
    return this.request(author, this.newId(), messagePost, { scope, data: {}, body: { text } });
  }

  /** Several people want one name at one time. */
  private race(): void {
    const name = `${this.chance.pick(NAMES)}${this.chance.below(4)}`;
    const rivals = 1 + this.chance.below(3);
    for (let i = 0; i < rivals; i++) this.ask(this.claim(name));
  }

  claim(name: string): Request {
    const id = this.newId();
    const body = { name, displayName: name, password: "hash" };
    const content = { scope: null, data: {}, body };
    return this.request(accountIdFor(sha256, id), id, accountCreate, content, name as FoldedName);
  }

  private hedge(): void {
    const request = this.chance.happens(0.3) ? this.claim(`h${this.made}`) : this.post();
    this.ask(request);
    this.ask(request);
  }

  private remove(): void {
    const done = this.requests.filter(
      ({ kind, answers }) =>
        kind.number === messagePost.number && answers.some(({ what }) => what === "done"),
    );
    if (done.length === 0) return;
    const { author, id, content } = this.chance.pick(done);
    const data = { message: messageIdFor(author, id) };
    const about = { scope: content.scope, data, body: null };
    this.ask(this.request(author, this.newId(), messageDelete, about));
  }

  /** A repeat of something of before, answered or not. */
  private again(): void {
    const recent = this.requests.slice(-60);
    if (recent.length > 0) this.ask(this.chance.pick(recent));
  }

  private takeCursor(): void {
    const up = this.up();
    if (up.length === 0) return;
    const server = this.chance.pick(up);
    this.cursors.push({
      text: server.replica.cursors.current(),
      server: server.name,
      storeId: server.disk.life,
      seen: server.foldedSeqs(),
      had: server.disk.ops.slice(0, server.view.foldedN),
    });
    if (this.cursors.length > 40) this.cursors.shift();
  }

  /** Through one server that is up; what came of it is noted whenever it comes. */
  ask(request: Request, server = this.chance.pick(this.up())): void {
    if (server === undefined) return;
    request.asked++;
    request.open++;
    attempt(server, request)
      .then((outcome) => {
        this.onDone(server, request, outcome);
        request.answers.push({
          what: "done",
          server,
          outcome,
          stores: this.holding(server, outcome),
        });
      })
      .catch((error: unknown) => {
        if (!(error instanceof Refusal)) throw error;
        request.answers.push({ what: "refused", code: error.code });
      })
      .finally(() => {
        request.open--;
      });
  }

  /** The disks of a receipt that have the op: one that was just put back has its name there, and no more. */
  private holding(server: WorldServer, { n, receipt }: Outcome): string[] {
    const op = server.disk.ops[n - 1] as Op;
    return this.servers
      .filter(({ name, disk }) => receipt.held.includes(name) && disk.has(op))
      .map(({ disk }) => disk.life);
  }
}

/** What the gateway does for a write, without what it checks. */
async function attempt(server: WorldServer, request: Request): Promise<Outcome> {
  const { author, id, kind, content, name } = request;
  const { replica } = server;
  const earlier = replica.earlier(author, id, kind, content);
  if (earlier !== null) return await earlier;
  if (name === null) return await replica.mint({ author, id, kind, content, changes: [] });
  const reservation = await replica.reserve("account", name, author);
  try {
    const meanwhile = replica.earlier(author, id, kind, content);
    if (meanwhile !== null) return await meanwhile;
    return await replica.mint({ author, id, kind, content, changes: [`name account ${name}`] });
  } finally {
    reservation.release();
  }
}
