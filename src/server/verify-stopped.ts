/** `holdfast verify --offline` below the command: log and view of a server that does not run, from the ground up. */
import { resolve } from "node:path";
import { compareWithLog, type ViewVerdict } from "../storage/compare-view.ts";
import { findingLines } from "../storage/failure.ts";
import { StoppedStore } from "../storage/stopped-store.ts";
import { STORAGE_REMEDIES, storageRefusal } from "./exit-codes.ts";

type Progress = (doing: string, done: number, total: number) => void;

export type StoppedVerdict = {
  readonly data: string;
  readonly server: string | null;
  readonly store: string | null;
  readonly ops: number;
  /** What is damaged or missing in the log; empty for a whole one. */
  readonly findings: readonly string[];
  /** null where the log is damaged: there is nothing to compare it with. */
  readonly view: ViewVerdict | null;
};

/** Changes nothing in the directory. Throws StartError. */
export async function verifyStopped(data: string, onProgress?: Progress): Promise<StoppedVerdict> {
  try {
    const store = new StoppedStore(resolve(data));
    try {
      const { ops, findings } = await store.verify(onProgress);
      const view = findings.length > 0 ? null : await compareWithLog(store, ops, onProgress);
      const { server = null, storeId = null } = store.identity ?? {};
      return { data, server, store: storeId, ops, findings: findingLines(findings), view };
    } finally {
      store.close();
    }
  } catch (error) {
    throw storageRefusal(error, `nothing was verified in ${data}`, {
      locked:
        "stop the server first; of one that runs, `holdfast verify` compares it with the others",
      damaged: STORAGE_REMEDIES.damaged.remedy,
      not_a_store: "give the server's data directory by --data DIR",
    });
  }
}
