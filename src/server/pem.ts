/** Certificates and keys from files that the operator named. */
import { readFileSync } from "node:fs";
import { StartError } from "./exit-codes.ts";

/** Throws StartError; `options`: what led to the file. */
export function readPem(path: string, options: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const remedy = `correct ${options}, or let this user read the file`;
    throw new StartError("tls", `${path} can't be read: ${(cause as Error).message}`, remedy);
  }
}
