/**
 * Disks of our own: an ext4 image on a loop device, a small tmpfs. They need root and Linux; where either is
 * missing, `disksHere` says what.
 *
 * The power cut. Cutting off a file system under a running server without a virtual machine takes
 * EXT4_IOC_SHUTDOWN (fs/ext4/ext4.h) with EXT4_GOING_FLAGS_NOLOGFLUSH: from that moment nothing more reaches
 * the device, neither dirty pages of the page cache nor the running journal transaction, and every later write
 * or sync fails with EIO. Then the backing file is copied, and the copy is mounted, which replays its journal.
 * Rejected: copying while writes go on (the copy reads its first block earlier than its last one: it can hold
 * a later write without an earlier one that was synced before it, which no disk does); fsfreeze (syncs first).
 *
 * What this covers: everything that was written and not synced is lost, data and metadata, at any moment,
 * also in the middle of an fsync; renames and new files not synced to their directory; recovery of the
 * journal. What it does not: a disk that loses its own cache after it confirmed a flush, or writes part of a
 * sector (the loop device keeps what it has taken, so an answer that leaves while its fsync is under way goes
 * unseen here; one without any fsync does not); other file systems than ext4 with data=ordered.
 */
import { dlopen, ptr } from "bun:ffi";
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  statfsSync,
  statSync,
  truncateSync,
} from "node:fs";

const EXT4_IOC_SHUTDOWN = 0x8004587d;
const NO_LOG_FLUSH = 2;

function run(command: string, ...args: string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${error?.message ?? stderr}`);
}

const mounted = new Set<string>();

/** Why there can be no disks here; null if there can. */
export const noDisks: string | null = whyNot();

function whyNot(): string | null {
  if (process.platform !== "linux") return "needs Linux";
  if (process.getuid?.() !== 0) return "needs root";
  if (!existsSync("/dev/loop-control")) return "needs loop devices";
  const { error } = spawnSync("mkfs.ext4", ["-V"]);
  if (error !== undefined) return "needs mkfs.ext4";
  return spawnSync("mount", ["--version"]).error === undefined ? null : "needs mount";
}

export function makeImage(path: string, mebibytes: number): void {
  run("truncate", "-s", `${mebibytes}M`, path);
  run("mkfs.ext4", "-q", "-F", "-m", "0", path); // root gets no room that others lack
}

export function mountImage(path: string, at: string, ...options: string[]): void {
  mkdirSync(at, { recursive: true });
  run("mount", "-o", ["loop", ...options].join(","), path, at);
  mounted.add(at);
}

export function mountMemory(at: string, mebibytes: number): void {
  mkdirSync(at, { recursive: true });
  run("mount", "-t", "tmpfs", "-o", `size=${mebibytes}m`, "tmpfs", at);
  mounted.add(at);
}

export function freeBytes(at: string): number {
  const { bavail, bsize } = statfsSync(at);
  return bavail * bsize;
}

/** Somebody else's file grows until so much is left. */
export function fill(path: string, at: string, leftBytes: number): void {
  const piece = Buffer.alloc(64 * 1024, 1);
  try {
    while (freeBytes(at) > leftBytes) appendFileSync(path, piece);
  } catch (cause) {
    if ((cause as { code?: string }).code !== "ENOSPC") throw cause;
  }
}

/** Somebody else's file grows or shrinks until so much is left, to a page. */
export function leave(path: string, at: string, leftBytes: number): void {
  const { bsize } = statfsSync(at);
  const pages = Math.floor((freeBytes(at) - leftBytes) / bsize);
  if (pages > 0) appendFileSync(path, Buffer.alloc(pages * bsize, 1));
  else
    truncateSync(path, Math.max(0, (existsSync(path) ? statSync(path).size : 0) + pages * bsize));
}

export function unmount(at: string): void {
  run("umount", at);
  mounted.delete(at);
}

/** For the end of a test file. */
export function unmountAll(): void {
  for (const at of mounted) spawnSync("umount", ["--lazy", at]);
  mounted.clear();
}

export function copyImage(from: string, to: string): void {
  run("cp", "--sparse=always", from, to);
}

/** The power fails: nothing that is not on the device yet gets there any more. */
export function cutPower(at: string): void {
  const { symbols, close } = dlopen("libc.so.6", {
    ioctl: { args: ["i32", "u64", "ptr"], returns: "i32" },
  });
  const fd = openSync(at, "r");
  try {
    const flags = new Uint32Array([NO_LOG_FLUSH]);
    if (symbols.ioctl(fd, EXT4_IOC_SHUTDOWN, ptr(flags)) !== 0) {
      throw new Error(`the file system at ${at} could not be shut down`);
    }
  } finally {
    closeSync(fd);
    close();
  }
}
