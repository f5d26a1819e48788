/**
 * The judge of a round: what its history must not hold. It knows the promises of docs/SPEC.md and nothing of how
 * they are kept, and imports nothing of what it judges. Each check gives sentences; a good round gives none.
 */
import {
  type Evidence,
  isAcknowledged,
  isRefused,
  messageOf,
  type Reading,
  type Request,
  screenOf,
} from "./evidence.ts";
import { BLUR_MS, type Shown } from "./history.ts";

/** Of one kind: a broken promise shows in many messages. */
const FINDINGS_PER_CHECK_MAX = 8;

/** Complaints, each begun by the name of its check. */
export function judge(evidence: Evidence): string[] {
  const checks: Record<string, (evidence: Evidence) => string[]> = {
    lost,
    overstated,
    thin,
    invented,
    doubled,
    disordered,
    refusedAndThere,
    lastWord,
    erased,
    movedAnswers,
    missed,
    readBackwards,
    namesApart,
    different,
  };
  return Object.entries(checks).flatMap(([name, check]) =>
    check(evidence)
      .slice(0, FINDINGS_PER_CHECK_MAX)
      .map((finding) => `${name}: ${finding}`),
  );
}

const saying = ({ client, wish }: Request) =>
  `${client}'s ${wish.op} ${"text" in wish ? JSON.stringify(wish.text) : ""}`;
const receiptsIn = ({ receipts }: Request) =>
  receipts.map(({ held }) => `[${held.join(" ")}]`).join(" then ");
const has = ({ messages }: Reading, id: string | undefined) =>
  messages.some((message) => message.id === id);
const keyOf = (text: string) => text.split(" ").slice(0, 2).join(" ");

/** [R2] What was acknowledged is there, unless every disk of its receipts is gone. */
function lost(evidence: Evidence): string[] {
  return evidence.posts.filter(isAcknowledged).flatMap((post) => {
    const id = messageOf(post);
    if (!evidence.survives(post.receipts, id)) return [];
    return evidence.final
      .filter((reading) => !has(reading, id))
      .map(({ server }) => `${saying(post)}, held ${receiptsIn(post)}, is not on ${server}`);
  });
}

/** [R1] A receipt names nobody who lacks it: whichever server was read after it, alone or not. */
function overstated(evidence: Evidence): string[] {
  return evidence.posts.flatMap((post) =>
    post.receipts.flatMap(({ at, held }) =>
      evidence.readings
        .filter(
          (reading) =>
            held.includes(reading.server) &&
            reading.begun > at + BLUR_MS &&
            evidence.stillHas(reading.server, at, reading.at) &&
            !has(reading, messageOf(post)),
        )
        .map(({ server }) => `a receipt of ${saying(post)} names ${server}, which lacks it`),
    ),
  );
}

/** [R2] While all servers are in sync an answer waits for all of them, also one of a second server that was asked. */
function thin({ requests, history }: Evidence): string[] {
  const calm = history.rig.filter((line) => line.is === "calm");
  const servers = new Set(
    history.rig.flatMap((line) => (line.is === "reading" && line.final ? [line.server] : [])),
  );
  return requests.flatMap((request) => {
    const { begun, acknowledgedAt, receipts } = request;
    const isCalm = calm.some(
      ({ from, to }) => begun > from && acknowledgedAt !== null && acknowledgedAt < to,
    );
    const held = receipts[0]?.held ?? [];
    if (!isCalm || held.length >= servers.size) return [];
    return [`${saying(request)} was acknowledged with ${held.join(" ")} while all were in sync`];
  });
}

/** Nothing is there that nobody wrote. */
function invented(evidence: Evidence): string[] {
  const written = new Set(evidence.posts.map(({ wish }) => wish.text));
  for (const { wish } of evidence.requests) if (wish.op === "edit") written.add(wish.text);
  return everyShown(evidence)
    .filter(({ text, deleted }) => deleted !== true && !written.has(text))
    .map(({ text, id }) => `nobody wrote ${JSON.stringify(text)} of ${id}`);
}

function everyShown({ readings, history, conversation }: Evidence): Shown[] {
  const shown = new Map<string, Shown>();
  const put = (message: Shown) => {
    if (message.conversation === conversation) shown.set(`${message.id} ${message.text}`, message);
  };
  for (const { messages } of readings) messages.forEach(put);
  for (const { lines } of history.clients) {
    for (const line of lines) {
      if (line.is === "shown") put(line.message);
      if (line.is === "read") line.messages.forEach(put);
      if (line.is === "told" && line.outcome === "done" && line.message) put(line.message);
    }
  }
  return [...shown.values()];
}

/** [R5, R33] Nothing is there twice, and nothing is shown twice. */
function doubled(evidence: Evidence): string[] {
  const inReadings = evidence.readings.flatMap(({ server, messages }) => [
    ...repeats(messages.map(({ id }) => id)).map((id) => `${id} on ${server}`),
    ...repeats(originals(messages).map(({ text }) => keyOf(text))).map((key) => {
      return `${key} on ${server}`;
    }),
  ]);
  const onScreens = evidence.history.clients.flatMap(({ client, lines }) => {
    const { posted } = screenOf(lines, evidence.conversation);
    const shown = posted.map(({ message, epoch }) => `${message.id} ${epoch}`);
    return repeats(shown).map((id) => `${id.split(" ")[0]} shown to ${client}`);
  });
  return [...inReadings, ...onScreens];
}

const originals = (messages: readonly Shown[]) =>
  messages.filter(({ text, deleted }) => deleted !== true && / \d+$/.test(keyOf(text)));

function repeats(keys: readonly string[]): string[] {
  const seen = new Set<string>();
  return keys.filter((key) => seen.size === seen.add(key).size);
}

/** One sender's messages stand in the order in which they were sent; so do those that were shown in time. */
function disordered(evidence: Evidence): string[] {
  const numbers = new Map(
    evidence.posts.map((post) => [messageOf(post), numberOf(post.wish.text)] as const),
  );
  const complaints = (where: string, messages: readonly Shown[]) => {
    const highest = new Map<string, number>();
    return messages.flatMap(({ id }) => {
      const { from, n } = numbers.get(id) ?? { from: "", n: 0 };
      const before = highest.get(from) ?? 0;
      highest.set(from, Math.max(before, n));
      return n > 0 && n < before ? [`${from} ${n} behind ${before} ${where}`] : [];
    });
  };
  const unsorted = evidence.readings
    .filter(({ messages }) =>
      messages.some(({ position }, i) => position <= (messages[i - 1]?.position ?? "")),
    )
    .map(({ server }) => `the history of ${server} is not in the order of its positions`);
  const inReadings = evidence.final.flatMap(({ server, messages }) =>
    complaints(`on ${server}`, messages),
  );
  const onScreens = evidence.history.clients.flatMap(({ client, lines }) => {
    const { posted, resets } = screenOf(lines, evidence.conversation);
    const inTime = posted.map(({ message }) => message).filter(({ late }) => late !== true);
    return resets > 0 ? [] : complaints(`shown to ${client}`, inTime);
  });
  return [...unsorted, ...inReadings, ...onScreens];
}

function numberOf(text: string): { from: string; n: number } {
  const [from = "", n] = text.split(" ");
  return { from, n: Number(n) };
}

/** [R11] What was refused for sure is nowhere, at no time. */
function refusedAndThere(evidence: Evidence): string[] {
  const texts = new Set(everyShown(evidence).map(({ text }) => text));
  return evidence.requests.filter(isRefused).flatMap((request) => {
    const { wish, refusals } = request;
    const isThere = (wish.op === "post" || wish.op === "edit") && texts.has(wish.text);
    return isThere ? [`${saying(request)} was refused (${refusals.join(" ")}), and shown`] : [];
  });
}

/** Of edits and deletions of a message the last acknowledged one holds, or one that may have come after it. */
function lastWord(evidence: Evidence): string[] {
  return evidence.posts.filter(isAcknowledged).flatMap((post) => {
    const id = messageOf(post);
    const changes = evidence.requests.filter(
      ({ wish }) => (wish.op === "edit" || wish.op === "delete") && wish.message === id,
    );
    if (changes.some(({ wish }) => wish.op === "delete")) return [];
    let allowed = new Set([post.wish.text]);
    const open = new Set<string>();
    for (const change of changes.toSorted((a, b) => a.begun - b.begun)) {
      const { text } = change.wish as { text: string };
      const isSure = isAcknowledged(change) && evidence.survives(change.receipts);
      if (isSure) allowed = new Set([text]);
      else if (!isRefused(change)) open.add(text);
    }
    for (const text of open) allowed.add(text);
    return evidence.final.flatMap(({ server, messages }) =>
      messages
        .filter((message) => message.id === id && !allowed.has(message.text))
        .map(({ text }) => `${saying(post)} reads ${JSON.stringify(text)} on ${server}`),
    );
  });
}

/** [R9] What was deleted stays so, and its text is nowhere. */
function erased(evidence: Evidence): string[] {
  return evidence.requests.flatMap((request) => {
    const { wish } = request;
    if (wish.op !== "delete") return [];
    const shown = evidence.final.flatMap(({ server, messages }) =>
      messages.filter(({ id }) => id === wish.message).map((message) => ({ server, message })),
    );
    if (isRefused(request)) {
      const others = evidence.requests.filter(
        (other) => other !== request && other.wish.op === "delete",
      );
      const only = !others.some((other) => messageOf(other) === wish.message && !isRefused(other));
      return shown
        .filter(({ message }) => only && message.deleted === true)
        .map(({ server }) => `a refused deletion of ${wish.message} holds on ${server}`);
    }
    if (!isAcknowledged(request) || !evidence.survives(request.receipts)) return [];
    return shown
      .filter(({ message }) => message.deleted !== true || message.text !== "")
      .map(({ server }) => `${wish.message}, deleted for ${request.client}, reads on ${server}`);
  });
}

/** [R5] Every answer to one id names the same message. */
function movedAnswers(evidence: Evidence): string[] {
  return evidence.requests.flatMap((request) => {
    const ids = new Set(request.answers.map(({ message, channel }) => message?.id ?? channel));
    return ids.size > 1 ? [`${saying(request)} got the answers ${[...ids].join(", ")}`] : [];
  });
}

/** [R7] Everybody in the channel was shown everything, as it is in the end; what is lost shows no more. */
function missed(evidence: Evidence): string[] {
  const [reading] = evidence.final;
  if (reading === undefined) return ["nobody read the end"];
  return evidence.history.clients.flatMap(({ client, lines }) => {
    const { now } = screenOf(lines, evidence.conversation);
    const there = new Set(reading.messages.map(({ id }) => id));
    const gone = [...now.values()].filter(({ id }) => !there.has(id));
    const ghosts = gone.map(({ id, text }) => `${client} shows "${text}" (${id}), which is gone`);
    const missing = reading.messages.flatMap(({ id, text, deleted }) => {
      const seen = now.get(id);
      // What was deleted before it could be shown need not be.
      if (seen === undefined) return deleted ? [] : [`${client} was never shown "${text}" (${id})`];
      const isSame = seen.text === text && (seen.deleted === true) === (deleted === true);
      return isSame ? [] : [`${client} sees "${seen.text}" where there is "${text}" (${id})`];
    });
    return [...missing, ...ghosts];
  });
}

/** [R6] Who reads finds what it was told and shown before. */
function readBackwards(evidence: Evidence): string[] {
  return evidence.history.clients.flatMap(({ client, lines }) => {
    const known = new Map<string, { at: number; position: string }>();
    const complaints: string[] = [];
    const learn = ({ id, position, conversation }: Shown, at: number) => {
      if (conversation === evidence.conversation) known.set(id, { at, position });
    };
    for (const line of lines) {
      if (line.is === "shown") learn(line.message, line.at);
      else if (line.is === "reset") known.clear();
      else if (line.is === "told" && line.outcome === "done" && line.message !== undefined) {
        learn(line.message, line.at);
      } else if (line.is === "read") {
        const first = line.whole ? "" : (line.messages[0]?.position ?? "");
        const there = new Set(line.messages.map(({ id }) => id));
        for (const [id, { at, position }] of known) {
          if (at > line.begun || position < first || there.has(id)) continue;
          if (mayBeGone(evidence, id)) continue;
          complaints.push(`${client} reads without ${id}, which it had seen`);
        }
        for (const message of line.messages) learn(message, line.at);
      }
    }
    return complaints;
  });
}

/** What no surviving disk vouches for may go, also from a screen. */
function mayBeGone(evidence: Evidence, id: string): boolean {
  const post = evidence.posts.find((request) => messageOf(request) === id);
  return post === undefined || !isAcknowledged(post) || !evidence.survives(post.receipts, id);
}

/** [R8] Channels show names of their own, and who was refused a name made nothing. */
function namesApart({ history, requests, raced }: Evidence): string[] {
  if (raced === null) return [];
  const races = requests.filter(({ wish }) => wish.op === "channel" && wish.name === raced);
  const sure = races.filter(isAcknowledged).length;
  const most = races.filter((race) => !isRefused(race)).length;
  const lists = history.rig.filter((line) => line.is === "channels");
  return lists.flatMap(({ server, channels }) => {
    const names = channels.map(({ name }) => name);
    const complaints = repeats(names).map((name) => `two channels are called ${name} on ${server}`);
    for (const race of races.filter(isAcknowledged)) {
      const id = race.answers[0]?.channel;
      if (!channels.some((channel) => channel.id === id)) {
        complaints.push(`${race.client}'s channel ${raced} (${id}) is not on ${server}`);
      }
    }
    if (channels.length > most) {
      complaints.push(`${names.join(", ")} on ${server}, and ${sure} to ${most} were made`);
    }
    if (channels.length > 0 && !names.includes(raced)) {
      complaints.push(`nobody has the name ${raced} on ${server}: ${names.join(", ")}`);
    }
    return complaints;
  });
}

/** [R4] In the end all servers show the same. */
function different({ final, history }: Evidence): string[] {
  const shown = final.map(({ server, messages }) => ({ server, text: JSON.stringify(messages) }));
  const listed = history.rig
    .filter((line) => line.is === "channels")
    .map(({ server, channels }) => ({ server, text: JSON.stringify(channels) }));
  return [shown, listed].flatMap((all) =>
    all
      .filter(({ text }) => text !== all[0]?.text)
      .map(({ server }) => `${server} shows something else than ${all[0]?.server}`),
  );
}
