/** The servers that we are compared with, as Debian packages them; installed where root may ask apt-get. */
import { apt, whyNotInstall } from "../../scripts/debian.mjs";

/** Programs, and the packages that they come in. */
const PACKAGES = {
  "nats-server": "nats-server",
  etcd: "etcd-server",
  erl: "ejabberd",
  prosody: "prosody",
  ngircd: "ngircd",
} as const;
export type Program = keyof typeof PACKAGES;

const EVERYWHERE = `${process.env.PATH}:/usr/sbin:/sbin`;
let failure: string | undefined;

/** Where a program is; null if it is not there. */
export function pathOf(program: string): string | null {
  return Bun.which(program, { PATH: EVERYWHERE });
}

/** Installs what is missing, as far as that is possible. Their services are not started by us. */
export function installPeers(): void {
  const programs = Object.keys(PACKAGES) as Program[];
  const missing = programs.filter((program) => pathOf(program) === null);
  if (missing.length === 0) return;
  failure = whyNotInstall();
  if (failure !== undefined) return;
  const packages = missing.map((program) => PACKAGES[program]);
  console.error(`bench: installing ${packages.join(", ")} to compare with ...`);
  apt("update"); // old lists may do
  failure = apt("install", ...packages);
}

/** Why a program can't be run here; null if it can. */
export function missingProgram(program: Program): string | null {
  if (pathOf(program) !== null) return null;
  return `${PACKAGES[program]} is not installed: ${failure ?? "Debian's apt-get did not install it"}`;
}
