/** A client that runs somewhere else, and does what it is told: see client-main.ts. */
import { join } from "node:path";
import type { Shown } from "../../drill/judge.ts";
import type { Report } from "../../drill/talker.ts";
import type { ClusterStatus } from "../../src/cli/status-text.ts";
import { OrderedProcess } from "./orders.ts";

const MAIN = join(import.meta.dir, "client-main.ts");

export type Order =
  | { readonly do: "enter"; readonly isFirst: boolean; readonly invitation?: string }
  | { readonly do: "begin"; readonly everyMs: number }
  | { readonly do: "end" }
  | { readonly do: "progress" }
  | { readonly do: "report" }
  | { readonly do: "history"; readonly url: string }
  /** The cluster as a server sees it, if this is an administrator; null if it does not answer. */
  | { readonly do: "status"; readonly url: string };

export type Progress = {
  readonly sent: number;
  readonly acknowledged: number;
  readonly heard: number;
  /** Address of its server; empty while it looks for one. */
  readonly at: string;
};

export type Outcomes = {
  readonly enter: null;
  readonly begin: null;
  readonly end: null;
  readonly progress: Progress;
  readonly report: Report;
  readonly history: Shown[];
  readonly status: ClusterStatus | null;
};

export class ClientProcess extends OrderedProcess<Order, Outcomes> {
  /** `by`: what runs it somewhere else; it goes to the first of the servers. */
  constructor(name: string, by: readonly string[], servers: readonly string[]) {
    super(name, [...by, process.execPath, "--no-env-file", MAIN, name, ...servers]);
  }
}
