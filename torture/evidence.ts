/**
 * A round's history put in order: each request with its attempts and receipts, each reader with what it was shown,
 * each disk with what became of it. And the one question that many checks ask: whether a disk still has it.
 */
import {
  BLUR_MS,
  type ClientLine,
  type Outcome,
  type RigLine,
  type RoundHistory,
  type Shown,
  type Wish,
} from "./history.ts";

/** Who came back has links with the others within this. */
const LINKS_MS = 1_000;

export type Reading = Extract<RigLine, { is: "reading" }>;
type DiskLine = Extract<RigLine, { is: "disk lost" | "disk put back" }>;
export type Receipt = { readonly at: number; readonly held: readonly string[] };
type Done = Extract<Outcome, { outcome: "done" }>;

export type Request = {
  readonly client: string;
  readonly id: string;
  readonly wish: Wish;
  readonly begun: number;
  attempts: number;
  /** Attempts without an outcome so far. */
  open: number;
  /** When the first attempt was acknowledged; null while none was. */
  acknowledgedAt: number | null;
  readonly answers: Done[];
  readonly receipts: Receipt[];
  readonly refusals: string[];
  /** An attempt whose outcome nobody will ever tell. */
  isUnknown: boolean;
};

/** Whether all its attempts were refused for sure. */
export function isRefused({ attempts, refusals }: Request): boolean {
  return attempts > 0 && refusals.length === attempts;
}

export function isAcknowledged({ acknowledgedAt }: Request): boolean {
  return acknowledgedAt !== null;
}

export function messageOf({ answers, wish }: Request): string | undefined {
  return wish.op === "edit" || wish.op === "delete" ? wish.message : answers[0]?.message?.id;
}

export class Evidence {
  readonly requests: readonly Request[];
  readonly readings: readonly Reading[];
  readonly history: RoundHistory;
  readonly conversation: string;
  readonly raced: string | null;
  private readonly disks: readonly DiskLine[];

  constructor(history: RoundHistory) {
    this.history = history;
    const { rig } = history;
    this.readings = rig.filter((line) => line.is === "reading");
    this.disks = rig.filter((line) => line.is === "disk lost" || line.is === "disk put back");
    const round = rig.find((line) => line.is === "round");
    if (round === undefined) throw new Error("the rig's history has no line of its round");
    this.conversation = round.conversation;
    this.raced = round.raced;
    this.requests = history.clients.flatMap(({ client, lines }) => requestsOf(client, lines));
  }

  get final(): readonly Reading[] {
    return this.readings.filter((reading) => reading.final);
  }

  /**
   * Whether what is said at `hadAt` of a server's disk is true of the disk that it has at `until`: that was neither lost
   * nor put back to before that since. Until the server came back nobody could know what became of its disk.
   */
  stillHas(server: string, hadAt: number, until = Number.POSITIVE_INFINITY): boolean {
    return !this.disks.some((event) => {
      if (event.server !== server || event.at > until) return false;
      if (this.returnOf(event) + LINKS_MS < hadAt) return false;
      return event.is === "disk lost" || event.asOf < hadAt + BLUR_MS;
    });
  }

  private returnOf({ server, at }: DiskLine): number {
    const returns = this.history.rig.filter((line) => line.is === "returned");
    const next = returns.find((line) => line.server === server && line.at >= at);
    return next?.at ?? Number.POSITIVE_INFINITY;
  }

  /** Whether any disk that a receipt names, or that was seen to have it, has it still. */
  survives(receipts: readonly Receipt[], message?: string): boolean {
    if (receipts.some(({ at, held }) => held.some((server) => this.stillHas(server, at)))) {
      return true;
    }
    return this.readings.some(
      ({ server, at, messages }) =>
        message !== undefined &&
        messages.some(({ id }) => id === message) &&
        this.stillHas(server, at),
    );
  }

  /** Texts, also those of before an edit, that deletions which hold have erased. */
  get erasedTexts(): string[] {
    const erased = new Set(
      this.requests
        .filter(({ wish }) => wish.op === "delete")
        .filter((request) => isAcknowledged(request) && this.survives(request.receipts))
        .map(messageOf),
    );
    return this.requests
      .filter((request) => erased.has(messageOf(request)))
      .flatMap(({ wish }) => (wish.op === "post" || wish.op === "edit" ? [wish.text] : []));
  }

  get posts(): readonly (Request & { readonly wish: { op: "post"; text: string } })[] {
    return this.requests.filter(isPost);
  }
}

function isPost(request: Request): request is Request & { wish: { op: "post"; text: string } } {
  return request.wish.op === "post";
}

function requestsOf(client: string, lines: readonly ClientLine[]): Request[] {
  const requests = new Map<string, Request>();
  for (const line of lines) {
    if (line.is === "tried") {
      const known = requests.get(line.id);
      const { id, wish, at: begun } = line;
      const request = known ?? { ...blank(), client, id, wish, begun };
      request.attempts++;
      request.open++;
      requests.set(id, request);
    } else if (line.is === "told" || line.is === "broken") {
      const request = requests.get(line.id);
      if (request === undefined) throw new Error(`${client}: an outcome of ${line.id}, not tried`);
      take(request, line);
    }
  }
  const byMessage = new Map([...requests.values()].filter(isPost).map((r) => [messageOf(r), r]));
  for (const line of lines) {
    if (line.is === "held") {
      byMessage.get(line.message)?.receipts.push({ at: line.at, held: line.held });
    }
  }
  return [...requests.values()];
}

function blank() {
  return {
    attempts: 0,
    open: 0,
    acknowledgedAt: null,
    answers: [],
    receipts: [],
    refusals: [],
    isUnknown: false,
  };
}

function take(request: Request, line: Extract<ClientLine, { is: "told" | "broken" }>): void {
  if (line.is === "broken") {
    request.open = 0;
    request.isUnknown = true;
    return;
  }
  request.open--;
  if (line.outcome === "done") {
    request.acknowledgedAt ??= line.at;
    request.answers.push(line);
    request.receipts.push({ at: line.at, held: line.held });
  } else if (line.outcome === "refused") request.refusals.push(line.code);
  else request.isUnknown = true;
}

/** What one reader was shown by events and readings, in their order, `reset` and all. */
export type Screen = {
  /** What it shows in the end. */
  readonly now: ReadonlyMap<string, Shown>;
  /** Everything it ever showed, with whether a `reset` came between. */
  readonly posted: readonly { readonly message: Shown; readonly epoch: number }[];
  readonly resets: number;
};

export function screenOf(lines: readonly ClientLine[], conversation: string): Screen {
  const now = new Map<string, Shown>();
  const posted: { message: Shown; epoch: number }[] = [];
  let resets = 0;
  const put = (message: Shown) => {
    if (message.conversation !== conversation) return;
    // Deleted stays deleted, whatever a server says that does not know yet.
    if (now.get(message.id)?.deleted !== true) now.set(message.id, message);
  };
  for (const line of lines) {
    if (line.is === "reset") {
      now.clear();
      resets++;
    } else if (line.is === "shown") {
      put(line.message);
      if (line.posted && line.message.conversation === conversation) {
        posted.push({ message: line.message, epoch: resets });
      }
    } else if (line.is === "read" && resets > 0) line.messages.forEach(put);
  }
  return { now, posted, resets };
}
