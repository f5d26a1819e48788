/**
 * The operator's way in, for commands on the server's own machine: who may read the data directory may
 * administer the server. `server.json` says where it listens, its own key makes the token.
 *
 * The token is sent only while the process that wrote `server.json` lives: a port that a dead server left
 * could belong to anybody.
 */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { KeyFileError, readKey, type ServerKey } from "../mesh/server-key.ts";
import type { RpcResponse } from "../protocol/rpc.ts";
import { StartError } from "./exit-codes.ts";
import { REMEMBERED_FILE, readServerFile } from "./remembered.ts";
import { operatorTokenOf, readSecret, SECRET_FILE } from "./secret.ts";

const ANSWER_WAIT_MS = 30_000;

export type OperatedServer = {
  readonly name: string;
  readonly localUrl: string;
  readonly token: string;
};

/** Folders below which `holdfast demo` and `holdfast serve --name` put their data. */
const USUAL_PLACES = [".", ".holdfast"];

/** The data directories around here, for a command that was not told which. */
function nearDirectories(): string[] {
  return USUAL_PLACES.flatMap((place) => {
    if (statSync(place, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
    const folders = readdirSync(place, { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    );
    return [place, ...folders.map((entry) => join(place, entry.name))];
  }).filter(
    (folder) => statSync(join(folder, "server.json"), { throwIfNoEntry: false }) !== undefined,
  );
}

function chooseDirectory(data: string | undefined, name: string | undefined): string {
  if (data !== undefined) return data;
  if (name !== undefined) {
    const named = USUAL_PLACES.map((place) => join(place, name));
    return named.find((folder) => existsSync(join(folder, REMEMBERED_FILE))) ?? join(".", name);
  }
  const found = [...new Set(nearDirectories())].filter(isRunning).sort();
  // Servers of one cluster do the same.
  if (found.length > 0 && new Set(found.map(clusterOf)).size === 1) return found[0] as string;
  const what =
    found.length === 0
      ? "no server that runs keeps its data here"
      : `several run: ${found.join(", ")}`;
  throw new StartError("usage", what, "say which by --data DIR or --name NAME");
}

/** The id of its cluster; the folder's own name if there is no telling. */
function clusterOf(folder: string): string {
  try {
    const file = readServerFile(folder)?.secretFile ?? join(folder, SECRET_FILE);
    const read = readSecret(file);
    return read === null ? folder : read.cluster;
  } catch {
    return folder;
  }
}

function isRunning(folder: string): boolean {
  try {
    const running = readServerFile(folder)?.running ?? null;
    return running !== null && isAlive(running.pid);
  } catch {
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

type Given = { readonly data?: string; readonly name?: string };

/** Where the server that was meant keeps its data; it may not run. Throws StartError. */
export function dataDirectory({ data, name }: Given): string {
  return resolve(chooseDirectory(data, name));
}

/** Throws StartError if there is no server, or none that runs. */
export function findServer(given: Given): OperatedServer {
  const data = dataDirectory(given);
  const stored = readServerFile(data);
  if (stored === null) {
    const remedy = "give the server's data directory by --data DIR";
    throw new StartError("usage", `${data} holds no data of a server that was started`, remedy);
  }
  const { running, name } = stored;
  if (running === null || !isAlive(running.pid)) {
    const remedy = `start it: holdfast serve --data ${data}`;
    throw new StartError("not_running", `server ${name} does not run`, remedy);
  }
  return {
    name,
    localUrl: running.localUrl,
    token: operatorTokenIn(data),
  };
}

/** By what its commands prove themselves to the server of a data directory. Throws StartError. */
export function operatorTokenIn(data: string): string {
  return operatorTokenOf(keyOf(data).derive("operator"));
}

function keyOf(data: string): ServerKey {
  try {
    const key = readKey(data);
    if (key !== null) return key;
  } catch (cause) {
    if (!(cause instanceof KeyFileError)) throw cause;
    const remedy = "run this as the user who owns the file";
    throw new StartError("no_permission", cause.message, remedy);
  }
  throw new StartError("foreign_cluster", `there is no key file in ${data}`, "put the file back");
}

/** One request. Throws what fetch throws if nobody answers. */
export async function callServer(
  { localUrl, token }: OperatedServer,
  method: string,
  params: object,
): Promise<RpcResponse> {
  const response = await fetch(`${localUrl}/v1/rpc`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
    signal: AbortSignal.timeout(ANSWER_WAIT_MS),
    redirect: "error",
    // This machine's own server: its certificate is made out to the name that others call it by.
    tls: { rejectUnauthorized: false },
  });
  return (await response.json()) as RpcResponse;
}
