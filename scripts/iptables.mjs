// Finds the iptables by which tests cut hosts off from each other; installed where root may ask apt-get for it
// (Debian), once and said on stderr; otherwise the reason, which the skipped tests carry in their names.
import { spawnSync } from "node:child_process";
import { apt, whyNotInstall } from "./debian.mjs";

const isThere = () => spawnSync("iptables", ["--version"]).status === 0;

/** @returns {{ found: true } | { missing: string }} */
export function prepareIptables() {
  if (isThere()) return { found: true };
  const whyNot = whyNotInstall();
  if (whyNot !== undefined) return { missing: `no iptables found, and ${whyNot}` };
  process.stderr.write(
    "holdfast: installing iptables for the tests on hosts of their own, once ... ",
  );
  const outdated = apt("update"); // old lists may do
  const failure = apt("install", "iptables");
  process.stderr.write(failure === undefined ? "done\n" : "failed\n");
  if (isThere()) return { found: true };
  return { missing: `no iptables found, and installing it failed: ${outdated ?? failure}` };
}
