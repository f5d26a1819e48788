/**
 * The judge: what a history must not hold, whatever was killed, cut off or filled up while it was made.
 *
 * Rules, from docs/SPEC.md's promises as they can be seen from outside of one server:
 *  1. what was acknowledged is there (R2), and its receipt names the server (R1);
 *  2. nothing is there twice, by id or by content (R5);
 *  3. a write all of whose attempts were refused definitely never shows, at no time (R11);
 *  4. of edits, deletions, joins and leaves the last acknowledged one holds, or a later open one;
 *  5. one sender's messages stand in the order in which it sent them;
 *  6. all answers to one id name the same message in the same place (R5);
 *  7. what was ever shown is there later too, in the same place; what was deleted stays so (R9);
 *  8. a reader who resumes by its cursor was sent every message once, and every change (R7);
 *  9. nothing is there that nobody wrote.
 *
 * Rule 7 is stronger than what is promised for a cluster; one server publishes nothing before it is durable.
 */
import type {
  Attempt,
  Effect,
  History,
  Outcome,
  Shown,
  Snapshot,
  Stream,
  Write,
} from "./history.ts";

/** What may be missing, because the server said so itself. */
export type Exceptions = {
  /** Whether the op that stands at this position was named as lost. */
  readonly lost: (position: string) => boolean;
  /** Other ops that were named: so many edits, deletions, joins and accounts may be undone. */
  readonly lostOthers: number;
};

const NOTHING_LOST: Exceptions = { lost: () => false, lostOthers: 0 };
const DELETED = "(deleted)";

type Standing = "acknowledged" | "refused" | "open" | "unborn";

/** What was known of a write when a snapshot was taken. */
export function standingAt({ attempts }: Write, { begun, ended }: Snapshot): Standing {
  const before = attempts.filter((attempt) => attempt.begun < ended);
  if (before.length === 0) return "unborn";
  const over = before.filter((attempt) => attempt.ended < begun);
  if (over.some(({ outcome }) => outcome.kind === "acknowledged")) return "acknowledged";
  const refused = over.filter(({ outcome }) => outcome.kind === "refused").length;
  return refused === before.length ? "refused" : "open";
}

function acknowledgments({ attempts }: Write): Extract<Outcome, { kind: "acknowledged" }>[] {
  return attempts.flatMap(({ outcome }) => (outcome.kind === "acknowledged" ? [outcome] : []));
}

type Post = Write & { readonly effect: Extract<Effect, { type: "post" }> };
const isPost = (write: Write): write is Post => write.effect.type === "post";
const firstWord = (text: string) => text.split(" ", 1)[0] ?? "";
const shownText = ({ deleted, text }: Shown) => (deleted ? DELETED : text);
const idOf = (write: Write) => acknowledgments(write)[0]?.message?.id;

/** Complaints, in words; none for a history as it should be. `final`: all streams have caught up. */
export function check(
  history: History,
  snapshot: Snapshot,
  { final = false, except = NOTHING_LOST }: { final?: boolean; except?: Exceptions } = {},
): string[] {
  const judge = new Judge(history, snapshot, except);
  return [
    ...judge.receipts(),
    ...judge.presence(),
    ...judge.doubles(),
    ...judge.refused(),
    ...judge.lastWord(),
    ...judge.order(),
    ...judge.sameAnswers(),
    ...judge.stays(),
    ...judge.memberships(),
    ...judge.accounts(),
    ...history.streams.flatMap((stream) => judge.streamed(stream, final)),
  ];
}

class Judge {
  private readonly history: History;
  private readonly snapshot: Snapshot;
  private readonly except: Exceptions;
  private readonly byId: ReadonlyMap<string, Shown>;
  private readonly posts: readonly Post[];
  private readonly byToken: ReadonlyMap<string, Post>;
  private readonly postOf: ReadonlyMap<string | undefined, Post>;

  constructor(history: History, snapshot: Snapshot, except: Exceptions) {
    this.history = history;
    this.snapshot = snapshot;
    this.except = except;
    this.byId = new Map(snapshot.messages.map((message) => [message.id, message]));
    this.posts = history.writes.filter(isPost);
    this.byToken = new Map(this.posts.map((post) => [post.effect.token, post]));
    this.postOf = new Map(this.posts.map((post) => [idOf(post), post]));
  }

  receipts(): string[] {
    return this.history.writes.flatMap((write) =>
      acknowledgments(write)
        .filter(({ held }) => held.length !== 1 || held[0] !== "a")
        .map(({ held }) => `${name(write)}: its receipt names ${JSON.stringify(held)}`),
    );
  }

  presence(): string[] {
    const complaints: string[] = [];
    for (const post of this.posts) {
      if (standingAt(post, this.snapshot) !== "acknowledged") continue;
      const told = acknowledgments(post)[0]?.message;
      if (told === undefined) {
        complaints.push(`${name(post)}: acknowledged without its message`);
        continue;
      }
      const now = this.byId.get(told.id);
      if (now === undefined) {
        if (!this.except.lost(told.position))
          complaints.push(`${name(post)}: acknowledged, missing`);
      } else if (now.author !== post.author || now.conversation !== told.conversation) {
        complaints.push(`${name(post)}: shown as ${now.author}'s in ${now.conversation}`);
      }
    }
    return complaints;
  }

  doubles(): string[] {
    const complaints: string[] = [];
    const ids = new Set<string>();
    const tokens = new Map<string, string>();
    for (const { id, text, deleted, position } of this.snapshot.messages) {
      if (ids.has(id)) complaints.push(`message ${id} is there twice`);
      ids.add(id);
      if (deleted || (text === "" && this.except.lost(position))) continue;
      const token = firstWord(text);
      const other = tokens.get(token);
      if (other !== undefined && other !== id)
        complaints.push(`${token} is in ${other} and in ${id}`);
      tokens.set(token, id);
      if (!this.byToken.has(token)) complaints.push(`nobody wrote ${token} of ${id}`);
    }
    return complaints;
  }

  refused(): string[] {
    const everShown = [
      ...this.snapshot.messages,
      ...this.history.streams.flatMap(({ events }) => events.map(({ message }) => message)),
    ];
    const words = new Set(everShown.flatMap(({ text }) => text.split(" ", 2)));
    const deleted = new Set(everShown.filter((shown) => shown.deleted).map(({ id }) => id));
    return this.history.writes.flatMap((write) => {
      if (standingAt(write, this.snapshot) !== "refused") return [];
      const { effect } = write;
      const shows = "token" in effect && words.has(effect.token);
      const acts =
        effect.type === "delete" &&
        deleted.has(effect.message) &&
        !this.history.writes.some(
          (other) =>
            other !== write &&
            other.effect.type === "delete" &&
            other.effect.message === effect.message &&
            standingAt(other, this.snapshot) !== "refused",
        );
      return shows || acts ? [`${name(write)}: refused, and yet it shows`] : [];
    });
  }

  /** Which texts each changed message may have now. */
  lastWord(): string[] {
    const changes = new Map<string, Write[]>();
    for (const write of this.history.writes) {
      if (write.effect.type !== "edit" && write.effect.type !== "delete") continue;
      const list = changes.get(write.effect.message) ?? [];
      changes.set(write.effect.message, [...list, write]);
    }
    const complaints: string[] = [];
    for (const message of this.snapshot.messages) {
      const post = this.postOf.get(message.id) ?? this.byToken.get(firstWord(message.text));
      const original = post?.effect.text;
      let allowed = new Set(original === undefined ? [] : [original]);
      for (const write of changes.get(message.id) ?? []) {
        const { effect } = write;
        const text = effect.type === "edit" ? effect.text : DELETED;
        const standing = standingAt(write, this.snapshot);
        if (standing === "acknowledged") allowed = new Set([text]);
        else if (standing === "open") allowed.add(text);
      }
      if (allowed.size === 0 || allowed.has(shownText(message))) continue;
      if (this.except.lost(message.position)) continue;
      const what = [...allowed].map((text) => JSON.stringify(text.slice(0, 40))).join(" or ");
      complaints.push(
        `${message.id} reads ${JSON.stringify(shownText(message).slice(0, 40))}, not ${what}`,
      );
    }
    return complaints.slice(this.except.lostOthers);
  }

  order(): string[] {
    const placed = this.posts.flatMap((post) => {
      const id = idOf(post);
      const position = id === undefined ? undefined : this.byId.get(id)?.position;
      const first = post.attempts[0];
      return position === undefined || first === undefined ? [] : [{ post, position, first }];
    });
    placed.sort((a, b) => a.first.begun - b.first.begun);
    const acknowledged = placed
      .map(({ post, position }) => ({ post, position, at: firstAcknowledged(post.attempts) }))
      .sort((a, b) => a.at - b.at);
    const complaints: string[] = [];
    const floors = new Map<string, string>();
    const lines = new Map<string, string>();
    let next = 0;
    for (const { post, position, first } of placed) {
      for (; next < acknowledged.length && acknowledged[next]!.at < first.begun; next++) {
        const { post: earlier, position: at } = acknowledged[next]!;
        raise(floors, `${earlier.author} ${earlier.effect.to}`, at);
      }
      const place = `${post.author} ${post.effect.to}`;
      if (position < (floors.get(place) ?? "")) {
        complaints.push(`${name(post)}: stands before what its sender was told earlier`);
      }
      const line = post.outbox ?? (post.attempts.length === 1 ? first.line : null);
      if (line === null) continue;
      if (position < (lines.get(`${line} ${place}`) ?? "")) {
        complaints.push(`${name(post)}: stands before what its sender sent earlier`);
      }
      raise(lines, `${line} ${place}`, position);
    }
    return complaints;
  }

  sameAnswers(): string[] {
    return this.history.writes.flatMap((write) => {
      const told = acknowledgments(write).map(
        ({ message }) => `${message?.id} ${message?.position}`,
      );
      return new Set(told).size > 1
        ? [`${name(write)}: got different answers: ${told.join(", ")}`]
        : [];
    });
  }

  /** What was shown before this snapshot began, by whichever way, is there and where it was. */
  stays(): string[] {
    const complaints = new Set<string>();
    const judge = (before: Shown) => {
      const now = this.byId.get(before.id);
      if (now === undefined) {
        if (!this.except.lost(before.position))
          complaints.add(`${before.id} was shown, and is gone`);
      } else if (now.position !== before.position) {
        complaints.add(`${before.id} moved from ${before.position} to ${now.position}`);
      } else if (before.deleted && !now.deleted && this.except.lostOthers === 0) {
        complaints.add(`${before.id} was deleted, and is back`);
      }
    };
    for (const { events } of this.history.streams) {
      for (const { at, message } of events) if (at < this.snapshot.begun) judge(message);
    }
    for (const earlier of this.history.snapshots) {
      if (earlier.ended < this.snapshot.begun) earlier.messages.forEach(judge);
    }
    return [...complaints].slice(0, 20);
  }

  memberships(): string[] {
    const allowed = new Map<string, Set<boolean>>();
    for (const write of this.history.writes) {
      if (write.effect.type !== "membership") continue;
      const { channel, joined } = write.effect;
      const key = `${channel} ${write.author}`;
      const standing = standingAt(write, this.snapshot);
      if (standing === "acknowledged") allowed.set(key, new Set([joined]));
      else if (standing === "open")
        allowed.set(key, (allowed.get(key) ?? new Set([false])).add(joined));
    }
    return [...allowed]
      .flatMap(([key, may]) => {
        const [channel = "", account = ""] = key.split(" ");
        const members = this.snapshot.members.get(channel);
        if (members === undefined || may.has(members.has(account))) return [];
        return [`${account} is ${may.has(true) ? "not " : ""}a member of ${channel}`];
      })
      .slice(this.except.lostOthers);
  }

  accounts(): string[] {
    const complaints: string[] = [];
    const wanted = new Map<string, number>();
    for (const write of this.history.writes) {
      if (write.effect.type !== "account") continue;
      const standing = standingAt(write, this.snapshot);
      const had = wanted.get(write.effect.name) ?? 0;
      if (standing === "acknowledged") {
        const listed = this.snapshot.accounts.get(write.effect.name) ?? [];
        if (!listed.includes(write.author))
          complaints.push(`${name(write)}: acknowledged, missing`);
      }
      wanted.set(write.effect.name, had + (standing === "refused" ? 0 : 1));
    }
    for (const [listed, ids] of this.snapshot.accounts) {
      if (ids.length > 1) complaints.push(`the name ${listed} is listed ${ids.length} times`);
      if (wanted.get(listed) === 0) complaints.push(`account ${listed} was refused, and is there`);
    }
    return complaints.slice(this.except.lostOthers);
  }

  streamed({ reader, conversations, known, events, resets }: Stream, final: boolean): string[] {
    const complaints: string[] = [];
    const texts = new Map(known.map((message) => [message.id, shownText(message)]));
    const posted = new Set<string>();
    for (const { posted: isNew, message } of events) {
      if (isNew && posted.has(message.id))
        complaints.push(`${reader} was sent ${message.id} twice`);
      if (isNew) posted.add(message.id);
      texts.set(message.id, shownText(message));
    }
    if (!final || resets > 0) return complaints;
    for (const message of this.snapshot.messages) {
      if (!conversations.has(message.conversation)) continue;
      if (!texts.has(message.id)) complaints.push(`${reader} was never sent ${message.id}`);
      else if (texts.get(message.id) !== shownText(message)) {
        complaints.push(`${reader} was not sent the last change of ${message.id}`);
      }
    }
    return complaints;
  }
}

function raise(places: Map<string, string>, key: string, position: string): void {
  if (position > (places.get(key) ?? "")) places.set(key, position);
}

function firstAcknowledged(attempts: readonly Attempt[]): number {
  const times = attempts
    .filter(({ outcome }) => outcome.kind === "acknowledged")
    .map(({ ended }) => ended);
  return Math.min(...times);
}

function name({ id, author, effect, attempts }: Write): string {
  const what = "token" in effect ? effect.token : "name" in effect ? effect.name : "";
  const told = attempts.map(({ outcome }) => outcome.kind).join(", ");
  return `${effect.type} ${what} by ${author} (${id}; ${told})`;
}
