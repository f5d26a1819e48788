/** Faults to be planted, each of a kind that somebody has built into a real system. */
import type { Mutant } from "./mutant-tree.ts";

const COPIES: readonly Mutant[] = [
  {
    name: "an answer does not wait for the servers in sync",
    file: "src/replica/copies.ts",
    find: "for (const { marks } of inSync) if (marks.seqOf(origin) < seq) return false;",
    put: "",
  },
  {
    name: "a receipt names every server that is heard",
    file: "src/replica/copies.ts",
    find: "if (peer === undefined || peer.marks.seqOf(origin) < seq) return false;",
    put: "if (peer === undefined) return false;",
  },
  {
    name: "a receipt leaves out a server that holds the op",
    file: "src/replica/copies.ts",
    find: "      return peer.isAttested;",
    put: "      return peer.isAttested && seq % 5 !== 0;",
  },
  {
    name: "a write is acknowledged before it is on disk",
    file: "src/replica/replica.ts",
    find: "    this.queue.add(op);\n    return this.receipts.wait(author + id, false);",
    put: `    this.queue.add(op);
    if (proposal.kind.name !== "message.edit") return this.receipts.wait(author + id, false);
    const receipt = { held: [this.name], of: 1 };
    return Promise.resolve({ n: this.view.foldedN, receipt, repeated: false });`,
  },
  {
    name: "ops of a peer are acknowledged before they are on disk",
    file: "src/replica/peers.ts",
    find: "    this.hold(peer, heads, branches.length",
    put: `    session.acknowledge(heads.map(([origin, after]) => ({ origin, after })) as never, [], 0);
    this.hold(peer, heads, branches.length`,
  },
  {
    name: "a message is published before it is on disk",
    file: "src/gateway/connections.ts",
    find: "    this.seen = this.replica.cursors.current();\n    this.render = parts.render;",
    put: `    this.seen = this.replica.cursors.current();
    this.render = parts.render;
    const mint = this.replica.mint.bind(this.replica);
    this.replica.mint = (proposal) => {
      const { author, id, kind, content } = proposal;
      if (kind.name === "message.post") {
        const { messageIdFor } = require("../core/ids.ts");
        const to = content.scope as string;
        const message = { id: messageIdFor(author, id), conversation: to, text: "", position: "" };
        this.tell(to, "message.posted", { message } as never);
      }
      return mint(proposal);
    };`,
  },
  {
    name: "what a peer held before is taken for what it holds",
    file: "src/replica/store-marks.ts",
    find: `    this.held.clear();
    for (const [origin, mark] of held) this.held.set(origin, mark);`,
    put: `    for (const [origin, mark] of held) {
      if (mark.seq > this.toldSeqOf(origin)) this.held.set(origin, mark);
    }`,
    needs: "roll-back",
  },
];

const NUMBERS: readonly Mutant[] = [
  {
    name: "a process mints under the numbers of the one before it",
    file: "src/replica/minter.ts",
    find: "const bits = toBase32Hex(this.parts.random.bytes(INCARNATION_RANDOM_BYTES));",
    put: "const bits = toBase32Hex(new Uint8Array(INCARNATION_RANDOM_BYTES));",
  },
  {
    name: "stamps begin anew with a process",
    file: "src/replica/replica.ts",
    find: "new StampClock(clock, highestOwnStamp(log, name));\n    this.stamps.merge(this.view.highStamp);",
    put: "new StampClock(clock, { ms: 0, counter: 0 });",
  },
  {
    name: "the last op of what a peer sends is forgotten",
    file: "src/replica/peers.ts",
    find: "this.parts.queue.addForeign(ops);",
    put: "this.parts.queue.addForeign(ops.length > 1 ? ops.slice(0, -1) : ops);",
  },
  {
    name: "ops of a server that is gone are sent on by nobody",
    file: "src/replica/outgoing.ts",
    find: "      if (seq > this.parts.marks.placeOf(origin)) this.lack(origin);",
    put: `      const isOwn = serverOf(origin) === this.parts.name;
      if (isOwn && seq > this.parts.marks.placeOf(origin)) this.lack(origin);`,
  },
  {
    name: "an erased op is sent without what proves its erasure",
    file: "src/replica/outgoing.ts",
    find: "      if (!frame.add(op, stream.chain, proof)) break;",
    put: "      if (!frame.add(op, stream.chain, null)) break;",
  },
  {
    name: "what was answered goes on filling the window of a peer",
    file: "src/replica/outgoing.ts",
    find: "    if (answered > 0) this.flights.splice(0, answered);",
    put: "",
  },
  {
    name: "a silent server is never suspected",
    file: "src/replica/detector.ts",
    find: "    this.silentMs += Math.min(passedMs, 2 * BEAT_PEER_INTERVAL_MS);",
    put: "",
  },
];

const FOLD: readonly Mutant[] = [
  {
    name: "of two writes of a field the later to arrive wins",
    file: "src/core/register.ts",
    find: "return next.at > current.at ? next : current;",
    put: "return next;",
  },
  {
    name: "an edit is folded without its version",
    file: "src/ops/message.ts",
    find: "text: merge(state.text, { value: n, version: data.version, at }),",
    put: "text: merge(state.text, { value: n, version: 1, at }),",
  },
  {
    name: "of two ops of one request the first to arrive counts",
    file: "src/ops/fold.ts",
    find: "  if (positionOf(before) > parsed.at) return takeOver(view, parsed, subjects, counting, before);",
    put: "",
  },
  {
    name: "an edit of what was deleted brings its text back",
    file: "src/ops/message.ts",
    find: `  if (amend?.deleted !== undefined) view.setPostText(n, null);
  else if (amend?.text !== undefined) view.setPostText(n, amend.text.value);`,
    put: `  if (amend?.text !== undefined) view.setPostText(n, amend.text.value);
  else if (amend?.deleted !== undefined) view.setPostText(n, null);`,
  },
  {
    name: "a deletion that comes before its message is forgotten",
    file: "src/ops/message.ts",
    find: `  else showText(view, n, view.get("amend", subject.key));`,
    put: "",
  },
  {
    name: "two that claim one name both show it",
    file: "src/ops/names.ts",
    find: "    if (index === 0) {",
    put: "    if (index <= 1) {",
  },
  {
    name: "bans are taken in the order in which they arrive",
    file: "src/ops/member.ts",
    find: "  if (!isNewest) return banHistory(view, key);",
    put: "",
  },
  {
    name: "one of the deleted texts stays on the disk",
    file: "src/replica/housekeeping.ts",
    find: "pending.filter(({ by }) => isHeldByAll(by));",
    put: "pending.filter(({ by }) => isHeldByAll(by)).slice(1);",
  },
];

const GATEWAY: readonly Mutant[] = [
  {
    name: "a name is claimed without asking the other servers",
    file: "src/replica/reservations.ts",
    find: "      for (const peer of this.parts.peers()) this.ask(ours, peer);",
    put: "",
  },
  {
    name: "a read does not wait for what its caller has seen",
    file: "src/gateway/dispatcher.ts",
    find: "    while (!replica.cursors.covers(cursor)) {",
    put: "    while (!replica.cursors.covers(cursor) && deadline < 0) {",
  },
  {
    name: "of what a cursor saw one origin is compared, and not all",
    file: "src/replica/cursors.ts",
    find: "    return [...listed].every(([origin, { seq }]) => this.seqOf(origin) >= seq);",
    put: "    return [...listed].some(([origin, { seq }]) => this.seqOf(origin) >= seq);",
  },
  {
    name: "a resume leaves out the first change that was missed",
    file: "src/gateway/missed.ts",
    find: "const ns = this.arrivals(scopes, fromN, RESUME_EVENTS_MAX + 1);",
    put: "const ns = this.arrivals(scopes, fromN + 1, RESUME_EVENTS_MAX + 1);",
  },
  {
    name: "who was shown what is lost is not told to read anew",
    file: "src/replica/cursors.ts",
    find: "    if (this.hasLost(cursor)) return null;",
    put: "",
    needs: "wipe",
  },
  {
    name: "who comes back hears nothing of direct conversations",
    file: "src/gateway/connections.ts",
    find: "for (const scope of this.missed.scopesOf(account)) connection",
    put: "for (const scope of this.missed.scopesOf(account)) if (!scope.startsWith('d_')) connection",
  },
  {
    name: "a post that another server took first is told as unknown",
    file: "src/gateway/commands/message.ts",
    find: "const message = render.post(view.effect(author, id) ?? n);",
    put: `const { Refusal } = require("../../core/errors.ts");
  const message = render.post(n);
  if (message === null) throw new Refusal("not_found", \`\${view.foldedN} \${author} \${id}\`);`,
  },
  {
    name: "what is stored before it fails is told as refused",
    file: "src/gateway/write.ts",
    find: "    if (!(error instanceof Refusal) || !error.retry) throw error;",
    put: "    if (error !== null) throw error;",
    needs: "full-at-sign-up",
  },
];

const CLIENT: readonly Mutant[] = [
  {
    name: "a cursor is kept before its events are taken in",
    file: "src/client/cursors.ts",
    find: "    if (open.length === 0) {",
    put: "    if (open.length >= 0) {",
  },
  {
    name: "a request is sent again under another id",
    file: "src/client/requests.ts",
    find: "const params = pinned ? { at, ...request.params } : request.params;",
    put: `const { id: first } = request.params;
    const isAgain = request.unanswered && typeof first === "string";
    const other = isAgain ? { id: first.slice(0, -3) + String(id % 1000).padStart(3, "0") } : {};
    const params = { ...(pinned ? { at } : {}), ...request.params, ...other };`,
  },
  {
    name: "a refusal after an attempt without an answer is told as definite",
    file: "src/client/requests.ts",
    find: "request.reject(request.unanswered ? indefiniteOf(request, error) : error);",
    put: "request.reject(error);",
  },
  {
    name: "a deleted message is shown again when a server tells of it",
    file: "src/client/cursors.ts",
    find: "    if (before?.isDeleted && !isDeleted) return undefined;",
    put: "",
  },
  {
    name: "a message that comes again at another place stays where it was",
    file: "src/client/cursors.ts",
    find: "const isShown = before?.position === place.position && before.isDeleted",
    put: "const isShown = before !== undefined && before.isDeleted",
  },
];

export const MUTANTS: readonly Mutant[] = [...COPIES, ...NUMBERS, ...FOLD, ...GATEWAY, ...CLIENT];
