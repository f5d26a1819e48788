// Packages of Debian that some tests need, installed where root may ask apt-get.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

const installTimeoutMs = 10 * 60_000;

/** Why nothing may be installed here. */
export function whyNotInstall() {
  const release = "/etc/os-release";
  const system = existsSync(release) ? readFileSync(release, "utf8") : "";
  if (!/^ID(?:_LIKE)?=.*\b(?:debian|ubuntu)\b/m.test(system)) return "this is not Debian";
  if (process.getuid?.() !== 0) return "installing it needs root";
  return existsSync("/usr/bin/apt-get") ? undefined : "there is no apt-get";
}

/**
 * Says what went wrong, if anything did.
 * @param {string} verb
 * @param {string[]} packages
 */
export function apt(verb, ...packages) {
  const patience = ["DPkg::Lock::Timeout=120", "Acquire::http::Timeout=20", "Acquire::Retries=1"];
  const options = ["-qq", "-y", "--no-install-recommends", ...patience.flatMap((o) => ["-o", o])];
  const { status, stderr, error } = spawnSync("apt-get", [...options, verb, ...packages], {
    encoding: "utf8",
    timeout: installTimeoutMs,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  if (status === 0) return undefined;
  const lines = (stderr ?? "").trim().split("\n");
  return `apt-get ${verb}: ${error?.message ?? lines.at(-1)}`;
}
