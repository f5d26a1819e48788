import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { toBase64Url, utf8 } from "../core/bytes.ts";
import {
  decodeHandshake,
  encodeHandshake,
  type HandshakeMessage,
  type Hello,
} from "../protocol/peer-hello.ts";
import {
  type Authenticated,
  Handshake,
  type HandshakeParts,
  HandshakeRefused,
  type Self,
} from "./handshake.ts";
import { type LinkSecrets, linkSecret } from "./link-secret.ts";
import { frameKey, makeProof, type Role, Share, transcriptOf } from "./proof.ts";
import { Opener, Sealer, Unsealable } from "./sealed-frames.ts";
import { freshKey, type ServerKey } from "./server-key.ts";

type Frame = Uint8Array<ArrayBuffer>;

const SECRET = new Uint8Array(32).fill(7);
const KEYS: Record<string, ServerKey> = { a: freshKey(), b: freshKey(), x: freshKey() };
const text32 = () => toBase64Url(new Uint8Array(randomBytes(32)));

function selfOf(server: string, more: Partial<Self> = {}): Self {
  return {
    versionMin: 1,
    versionMax: 1,
    cluster: "one-cluster",
    server,
    store: `store-of-${server}`,
    instance: text32(),
    url: `http://${server}:7300`,
    release: "0.1.0",
    ...more,
  };
}

function secretsOf(...keys: Uint8Array[]): LinkSecrets {
  return { told: keys.map(linkSecret), token: () => null };
}

/** Names a secret and knows another one. */
function naming(named: Uint8Array, key: Uint8Array): LinkSecrets {
  return { told: [{ id: linkSecret(named).id, key }], token: () => null };
}

type Outcome = Authenticated | HandshakeRefused | null;

/** One end, with what it sent and what became of it. */
class End {
  readonly sent: Frame[] = [];
  outcome: Outcome = null;
  readonly handshake: Handshake;

  constructor(role: Role, server: string, more: Partial<HandshakeParts> = {}) {
    this.handshake = new Handshake({
      role,
      self: selfOf(server),
      secrets: secretsOf(SECRET),
      key: KEYS[server] as ServerKey,
      wallMs: 1_790_000_000_000,
      nonce: text32(),
      send: (frame) => this.sent.push(frame),
      judge: () => null,
      ...more,
    });
    this.handshake.begin();
  }

  take(frame: Uint8Array): void {
    if (this.outcome !== null) return;
    try {
      this.outcome = this.handshake.receive(frame);
    } catch (error) {
      if (!(error instanceof HandshakeRefused)) throw error;
      this.outcome = error;
    }
  }

  get linked(): Authenticated | null {
    return this.outcome === null || this.outcome instanceof HandshakeRefused ? null : this.outcome;
  }

  /** `code`, or `told code` if the other end said so; "linked" or "open" otherwise. */
  get said(): string {
    if (this.outcome === null) return "open";
    if (!(this.outcome instanceof HandshakeRefused)) return "linked";
    return `${this.outcome.isTold ? "told " : ""}${this.outcome.code}`;
  }

  message(i: number): HandshakeMessage {
    return decodeHandshake(this.sent[i] as Frame);
  }
}

/** What goes from one to the other may be changed on its way; null: it is lost. */
type Tamper = (frame: Frame, from: "dialler" | "acceptor", i: number) => Frame | null;

function meet(dialler: End, acceptor: End, tamper: Tamper = (frame) => frame): [string, string] {
  let [d, a] = [0, 0];
  while (d < dialler.sent.length || a < acceptor.sent.length) {
    if (d < dialler.sent.length) {
      const frame = tamper(dialler.sent[d] as Frame, "dialler", d++);
      if (frame !== null) acceptor.take(frame);
    } else {
      const frame = tamper(acceptor.sent[a] as Frame, "acceptor", a++);
      if (frame !== null) dialler.take(frame);
    }
  }
  return [dialler.said, acceptor.said];
}

/** Changes members of a message, whoever sent it. */
function changed(frame: Frame, members: object): Frame {
  return encodeHandshake({ ...decodeHandshake(frame), ...members } as HandshakeMessage);
}

test("[R90] two servers of one cluster prove themselves, and have keys that nobody else has", () => {
  const [a, b] = [new End("dialler", "a"), new End("acceptor", "b")];
  expect(meet(a, b)).toEqual(["linked", "linked"]);
  expect(a.linked?.hello.server).toBe("b");
  expect(b.linked?.hello.server).toBe("a");
  expect(a.linked?.sealKey).toEqual(b.linked?.openKey as Uint8Array);
  expect(a.linked?.openKey).toEqual(b.linked?.sealKey as Uint8Array);
  expect(a.linked?.sealKey).not.toEqual(a.linked?.openKey as Uint8Array);
  const [a2, b2] = [new End("dialler", "a"), new End("acceptor", "b")];
  meet(a2, b2);
  expect(a2.linked?.sealKey).not.toEqual(a.linked?.sealKey as Uint8Array);
});

test("[R90] the secret, and what it makes, never crosses the wire", () => {
  const [a, b] = [new End("dialler", "a"), new End("acceptor", "b")];
  meet(a, b);
  const heard = Buffer.concat([...a.sent, ...b.sent]).toString("latin1");
  for (const key of [SECRET, a.linked?.sealKey, a.linked?.openKey]) {
    for (const form of ["hex", "base64", "base64url", "latin1"] as const) {
      expect(heard).not.toContain(Buffer.from(key as Uint8Array).toString(form));
    }
  }
});

test("[R90, R93] who does not know the secret is refused, whichever side it is, and is told", () => {
  const key = new Uint8Array(32).fill(8);
  const other = { secrets: secretsOf(key) };
  for (const [dialler, acceptor] of [
    [other, {}],
    [{}, other],
  ]) {
    const ends = [new End("dialler", "x", dialler), new End("acceptor", "b", acceptor)] as const;
    expect(meet(...ends)).toEqual(["wrong_secret", "wrong_secret"]);
    expect(ends[0].sent.map((frame) => decodeHandshake(frame).type)).toEqual(["hello", "refused"]);
  }
  // And who names it without knowing it.
  const wrong = { secrets: naming(SECRET, key) };
  expect(meet(new End("dialler", "x", wrong), new End("acceptor", "b"))).toEqual([
    "told wrong_secret",
    "wrong_secret",
  ]);
  // The dialler shows its proof first: an acceptor that does not know the secret can't even check it.
  const acceptor = new End("acceptor", "x", wrong);
  expect(meet(new End("dialler", "a"), acceptor)).toEqual(["told wrong_secret", "wrong_secret"]);
  // One that takes every proof, and makes one of its own.
  const dialler = new End("dialler", "a");
  const hostile = new Share();
  const hello = { ...new End("acceptor", "x").handshake.mine, share: hostile.text };
  const helloBytes = encodeHandshake(hello);
  dialler.take(helloBytes);
  const transcript = transcriptOf(dialler.sent[0] as Frame, helloBytes);
  dialler.take(encodeHandshake(makeProof(key, KEYS.x!, "acceptor", transcript)));
  expect(dialler.said).toBe("wrong_secret");
});

test("[R90, R93] another cluster and another version are refused at the hello, before any proof", () => {
  for (const [more, code] of [
    [{ cluster: "another" }, "other_cluster"],
    [{ versionMin: 2, versionMax: 4 }, "version"],
  ] as const) {
    const newer = { self: selfOf("b", more) };
    const [a, b] = [new End("dialler", "a"), new End("acceptor", "b", newer)];
    const said = meet(a, b);
    expect(said).toContain(code);
    const types = [...a.sent, ...b.sent].map((frame) => decodeHandshake(frame).type);
    expect(types).not.toContain("proof");
  }
  const [old, later] = [selfOf("a"), selfOf("b", { versionMin: 1, versionMax: 4 })];
  const [a, b] = [
    new End("dialler", "a", { self: old }),
    new End("acceptor", "b", { self: later }),
  ];
  expect(meet(a, b)).toEqual(["linked", "linked"]);
  expect([a.linked?.version, b.linked?.version]).toEqual([1, 1]);
});

test("[R90] who shows another's key and can't sign with it is refused", () => {
  const thief = new End("dialler", "x");
  // It shows b's public key; its own signs.
  const stolen: Tamper = (frame, from, i) =>
    from === "dialler" && i === 0 ? changed(frame, { key: KEYS.b!.publicText }) : frame;
  const acceptor = new End("acceptor", "a");
  expect(meet(thief, acceptor, stolen)).toEqual(["told wrong_secret", "wrong_secret"]);
  // The same by one that computes its proof over what it sends.
  const hello = { ...thief.handshake.mine, key: KEYS.b!.publicText };
  const helloBytes = encodeHandshake(hello);
  const victim = new End("acceptor", "a");
  victim.take(helloBytes);
  const transcript = transcriptOf(helloBytes, victim.sent[0] as Frame);
  victim.take(encodeHandshake(makeProof(SECRET, KEYS.x!, "dialler", transcript)));
  expect(victim.said).toBe("wrong_key");
});

test("[R90] nothing that was said before serves again", () => {
  const [a, b] = [new End("dialler", "a"), new End("acceptor", "b")];
  meet(a, b);
  const again = new End("acceptor", "b");
  for (const frame of a.sent) again.take(frame);
  expect(again.said).toBe("wrong_secret");
  const dialler = new End("dialler", "a");
  for (const frame of b.sent) dialler.take(frame);
  expect(dialler.said).toBe("wrong_secret");
});

test("[R90] a server's own words do not come back as an answer", () => {
  const dialler = new End("dialler", "a");
  dialler.take(dialler.sent[0] as Frame);
  expect(dialler.said).toBe("itself");
  // The same through a second connection of the server, made to look like another one.
  const victim = new End("dialler", "a");
  const mirror = new End("acceptor", "a");
  const disguise: Tamper = (frame, _from, i) =>
    i === 0 ? changed(frame, { instance: text32(), server: "x" }) : frame;
  expect(meet(victim, mirror, disguise)).toEqual(["told wrong_secret", "wrong_secret"]);
  // And the dialler's proof sent back to it.
  const third = new End("dialler", "a");
  third.take(encodeHandshake({ ...third.handshake.mine, instance: text32(), server: "x" }));
  third.take(third.sent[1] as Frame);
  expect(third.said).toBe("wrong_secret");
});

test("[R90] a man in the middle who changes anything of either hello ends the handshake", () => {
  const members: (keyof Hello)[] = ["server", "store", "url", "release", "key", "nonce", "share"];
  const values: Partial<Hello> = {
    server: "m",
    store: "m",
    url: "http://m:1",
    release: "9.9.9",
    key: KEYS.x!.publicText,
    nonce: text32(),
    share: new Share().text,
    wallMs: 1,
  };
  for (const side of ["dialler", "acceptor"] as const) {
    for (const member of [...members, "wallMs" as const]) {
      const tamper: Tamper = (frame, from, i) =>
        from === side && i === 0 ? changed(frame, { [member]: values[member] }) : frame;
      const said = meet(new End("dialler", "a"), new End("acceptor", "b"), tamper);
      expect(said, `${member} of the ${side}`).not.toContain("linked");
    }
  }
});

test("[R91] a man in the middle who passes everything on has no key of the link", () => {
  const [a, b] = [new End("dialler", "a"), new End("acceptor", "b")];
  const seen: Frame[] = [];
  meet(a, b, (frame) => {
    seen.push(frame);
    return frame;
  });
  expect(a.said).toBe("linked");
  // It even knows the secret (it was a server once): without a private half that is not enough.
  const [dialled, accepted] = [seen[0] as Frame, seen[1] as Frame];
  const transcript = transcriptOf(dialled, accepted);
  const own = new Share();
  const [piece] = new Sealer(a.linked?.sealKey as Uint8Array).seal("meet me at noon");
  for (const hello of [dialled, accepted]) {
    const agreed = own.agree((decodeHandshake(hello) as Hello).share) as Uint8Array;
    const guess = new Opener(frameKey(SECRET, agreed, "dialler", transcript));
    expect(() => guess.open(piece as Frame)).toThrow(Unsealable);
  }
  const right = new Opener(b.linked?.openKey as Uint8Array);
  expect(right.open(piece as Frame)).toBe("meet me at noon");
});

test("[R90] a key exchange that anybody could know the end of is refused", () => {
  const zero = toBase64Url(new Uint8Array(32));
  const victim = new End("acceptor", "a");
  const hello = { ...new End("dialler", "b").handshake.mine, share: zero };
  const bytes = encodeHandshake(hello);
  victim.take(bytes);
  const transcript = transcriptOf(bytes, victim.sent[0] as Frame);
  victim.take(encodeHandshake(makeProof(SECRET, KEYS.b!, "dialler", transcript)));
  expect(victim.said).toBe("malformed");
});

test("[R10.18] what is cut short, too long, out of turn or no handshake ends it", () => {
  const proper = new End("dialler", "b");
  const helloFrame = proper.sent[0] as Frame;
  const wrong: Uint8Array[] = [
    new Uint8Array(),
    helloFrame.subarray(0, helloFrame.length - 1),
    utf8("x".repeat(5_000)),
    utf8(`{"type":"beat","count":1}`),
    encodeHandshake({ type: "proof", mac: text32(), signature: `${"A".repeat(86)}` }),
  ];
  for (const frame of wrong) {
    const victim = new End("acceptor", "a");
    victim.take(frame);
    expect(victim.said).toBe("malformed");
    // It says nothing of itself to who does not begin as a server does.
    expect(victim.sent.map((sent) => decodeHandshake(sent).type)).toEqual(["refused"]);
  }
  const twice = new End("acceptor", "a");
  twice.take(helloFrame);
  twice.take(helloFrame);
  expect(twice.said).toBe("malformed");
});

test("[R90, R93] each side judges before it proves itself, and says why not", () => {
  const judged: string[] = [];
  const judge = (theirs: Hello) => {
    judged.push(theirs.server);
    return "removed" as const;
  };
  const [a, b] = [new End("dialler", "a"), new End("acceptor", "b", { judge })];
  expect(meet(a, b)).toEqual(["told removed", "removed"]);
  expect(judged).toEqual(["a"]);
  expect(b.sent.map((frame) => decodeHandshake(frame).type)).toEqual(["hello", "refused"]);
  const [c, d] = [new End("dialler", "a", { judge }), new End("acceptor", "b")];
  expect(meet(c, d)).toEqual(["removed", "told removed"]);
  expect(c.sent.map((frame) => decodeHandshake(frame).type)).toEqual(["hello", "refused"]);
  // An acceptor tells nobody what the cluster thinks of a name before its bearer has proved it.
  const stranger = new End("dialler", "x", { secrets: naming(SECRET, new Uint8Array(32)) });
  judged.length = 0;
  expect(meet(stranger, new End("acceptor", "b", { judge }))[1]).toBe("wrong_secret");
  expect(judged).toEqual([]);
});

test("[R93] a code of a later release is a refusal all the same", () => {
  const a = new End("dialler", "a");
  a.take(utf8(`{"type":"refused","code":"not_yet_invented"}`));
  expect(a.said).toBe("told malformed");
});

test("[R90] a server that missed changes of the secret meets by the newest that both know", () => {
  const [first, second, third, x, y] = [1, 2, 3, 4, 5].map((n) => new Uint8Array(32).fill(n)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  type Met = [is: string, key: Uint8Array];
  const metOf = (end: End): Met | null => {
    const met = end.linked?.met;
    return met === undefined ? null : [met.is, met.key];
  };
  for (const [dialled, accepted, expected] of [
    [
      [second, first],
      [second, first],
      ["present", second],
    ],
    [[first], [third, second, first], ["former", first]],
    [
      [third, second, first],
      [second, first],
      ["former", second],
    ],
    [
      [x, first],
      [y, second, first],
      ["former", first],
    ], // changed on both sides of a partition
    [[first], [third, second], null],
  ] as [Uint8Array[], Uint8Array[], Met | null][]) {
    const judged: string[] = [];
    const judge: HandshakeParts["judge"] = (_theirs, _mine, met) => {
      judged.push(met.is);
      return null;
    };
    const dialler = new End("dialler", "a", { secrets: secretsOf(...dialled), judge });
    const acceptor = new End("acceptor", "b", { secrets: secretsOf(...accepted), judge });
    meet(dialler, acceptor);
    expect([metOf(dialler), metOf(acceptor)]).toEqual([expected, expected]);
    expect(judged).toEqual(expected === null ? [] : [expected[0], expected[0]]);
  }
});

test("[R90] a list of secrets that was shortened on its way ends the handshake", () => {
  const [old, present] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  const secrets = secretsOf(present, old);
  const only = [linkSecret(old).id];
  for (const side of ["dialler", "acceptor"] as const) {
    const ends = [new End("dialler", "a", { secrets }), new End("acceptor", "b", { secrets })];
    const [dialler, acceptor] = ends as [End, End];
    meet(dialler, acceptor, (frame, from, i) =>
      from === side && i === 0 ? changed(frame, { secrets: only }) : frame,
    );
    expect([dialler.linked, acceptor.linked]).toEqual([null, null]);
  }
});

test("[R90] a join token is a secret for its bearer and for the server that made it, one way only", () => {
  const token = linkSecret(new Uint8Array(32).fill(9));
  const bearer = { self: selfOf("x", { joins: true }), secrets: secretsOf(token.key) };
  const known: LinkSecrets = {
    ...secretsOf(SECRET),
    token: (id) => (id === token.id ? token : null),
  };
  const ends = () => [
    new End("dialler", "x", bearer),
    new End("acceptor", "b", { secrets: known }),
  ];
  const [dialler, acceptor] = ends() as [End, End];
  expect(meet(dialler, acceptor)).toEqual(["linked", "linked"]);
  expect(acceptor.linked?.met).toEqual({ ...token, is: "token" });
  expect(meet(new End("dialler", "x", bearer), new End("acceptor", "b"))).toEqual([
    "told token_unknown",
    "token_unknown",
  ]);
  // Not the other way round, and no member is made to take its secret for a token.
  const odd = new End("acceptor", "x", { ...bearer, secrets: secretsOf(SECRET) });
  expect(meet(new End("dialler", "a"), odd)[0]).toBe("wrong_secret");
});
