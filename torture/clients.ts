/** The clients of the torture and its observer, each a process on a host of its own, and what they are told. */
import { join } from "node:path";
import type { ClusterStatus } from "../src/cli/status-text.ts";
import { OrderedProcess } from "../test/hosts/orders.ts";
import type { Shown } from "./history.ts";

export type Order =
  /** Makes its account. */
  | { readonly do: "enter" }
  /** Makes a channel; its id comes of it. */
  | { readonly do: "create"; readonly name: string }
  /** Joins the channel; what it sees from then on goes to the file `history`. */
  | { readonly do: "join"; readonly channel: string; readonly history: string }
  /** Talks from now on. */
  | { readonly do: "begin"; readonly everyMs: number }
  /** Asks for a channel that others ask for too; the answer is in its history. */
  | { readonly do: "race"; readonly name: string }
  | { readonly do: "progress" }
  /** Says nothing more; done when everything it asked for has an outcome. */
  | { readonly do: "end" }
  /** Waits until it shows what there is, and nothing else; how many messages are amiss comes of it. */
  | { readonly do: "hear"; readonly messages: readonly Shown[]; readonly patienceMs: number };

export type Outcomes = {
  readonly enter: null;
  readonly create: string;
  readonly join: null;
  readonly begin: null;
  readonly race: null;
  readonly progress: {
    readonly said: number;
    readonly stored: number;
    readonly open: number;
    /** Address of its server; empty while it looks for one. */
    readonly at: string;
  };
  readonly end: null;
  readonly hear: number;
};

export type TortureClient = OrderedProcess<Order, Outcomes>;

export type Question =
  /** Makes the first administrator's account, with which everything is looked at. */
  | { readonly do: "enter"; readonly url: string; readonly invitation: string }
  | { readonly do: "status"; readonly url: string }
  /** Everything that this one server shows of a channel; null where it does not answer or shows nobody. */
  | { readonly do: "read"; readonly url: string; readonly channel: string }
  | { readonly do: "channels"; readonly url: string; readonly match: string };

export type Findings = {
  readonly enter: null;
  readonly status: ClusterStatus | null;
  readonly read: readonly Shown[] | null;
  readonly channels: readonly { readonly id: string; readonly name: string }[] | null;
};

export type Observer = OrderedProcess<Question, Findings>;

const CLIENT_PY = join(import.meta.dir, "client.py");
const program = (file: string) => [process.execPath, "--no-env-file", join(import.meta.dir, file)];

/** `by`: what runs it somewhere else. It goes to the first of the servers. */
export function sdkClient(
  name: string,
  by: readonly string[],
  servers: readonly string[],
): TortureClient {
  return new OrderedProcess(name, [...by, ...program("client-main.ts"), name, ...servers]);
}

/** The one that is written in another language, against docs/PROTOCOL.md alone. */
export function pythonClient(
  name: string,
  by: readonly string[],
  servers: readonly string[],
): TortureClient {
  return new OrderedProcess(name, [...by, "python3", CLIENT_PY, name, ...servers]);
}

/** Why that one is missing here; null if it is not. */
export function whyNoPython(): string | null {
  const program = Bun.which("python3");
  if (program === null) return "needs python3";
  const { exitCode } = Bun.spawnSync([
    program,
    "-c",
    "import sys; sys.exit(sys.version_info < (3, 9))",
  ]);
  return exitCode === 0 ? null : "needs Python 3.9 or later";
}

export function observer(by: readonly string[]): Observer {
  return new OrderedProcess("observer", [...by, ...program("observer-main.ts")]);
}
