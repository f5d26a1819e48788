/**
 * The disk of one server: an ext4 image on a loop device, or a small memory file system, or a plain folder where neither
 * may be mounted. It can be lost, put back to an older copy, filled, and its power can fail.
 */
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
  copyImage,
  cutPower,
  fill,
  makeImage,
  mountImage,
  mountMemory,
  unmount,
} from "../test/torture/disks.ts";
import { wipe } from "../test/torture/files.ts";
import { nowMs } from "./history.ts";

const MEBIBYTES = 128;

export type DiskKind = "image" | "memory" | "folder";

export class ServerDisk {
  readonly kind: DiskKind;
  readonly data: string;
  private readonly at: string;
  private readonly image: string;
  private readonly older: string;
  private isMounted = false;

  constructor(kind: DiskKind, folder: string, name: string) {
    this.kind = kind;
    this.at = join(folder, `${name}-disk`);
    this.data = join(this.at, "data");
    this.image = join(folder, `${name}.image`);
    this.older = join(folder, `${name}-older`);
    mkdirSync(this.at, { recursive: true });
    if (kind === "image") makeImage(this.image, MEBIBYTES);
    this.mount();
  }

  private mount(): void {
    if (this.kind === "image") mountImage(this.image, this.at);
    if (this.kind === "memory") mountMemory(this.at, MEBIBYTES);
    this.isMounted = this.kind !== "folder";
  }

  /** Everything on it is gone but the server's key, which is in the safe. */
  lose(): void {
    wipe(this.data);
  }

  /** The server stands still or is off: a copy of that moment, which is returned. */
  copy(): number {
    const at = nowMs();
    rmSync(this.older, { recursive: true, force: true });
    copyFolder(this.data, this.older);
    return at;
  }

  /** A second data directory with what the copy holds. */
  cloneTo(folder: string): void {
    copyFolder(this.older, folder);
  }

  putBack(): void {
    rmSync(this.data, { recursive: true, force: true });
    copyFolder(this.older, this.data);
  }

  /** From now on nothing reaches the device, and every write and sync fails. */
  cutPower(): void {
    cutPower(this.at);
  }

  /** The server is gone: what had reached the device is there again. */
  restorePower(): void {
    copyImage(this.image, `${this.image}.copy`);
    this.unmount();
    renameSync(`${this.image}.copy`, this.image);
    this.mount();
  }

  /** Somebody else's file leaves so much room. */
  fill(leftBytes: number): void {
    fill(this.ballast, this.at, leftBytes);
  }

  empty(): void {
    rmSync(this.ballast, { force: true });
  }

  private get ballast(): string {
    return join(this.at, "ballast");
  }

  private unmount(): void {
    if (!this.isMounted) return;
    this.isMounted = false;
    unmount(this.at);
  }

  remove(): void {
    if (existsSync(this.at)) this.unmount();
  }
}

/** With owners, times and modes, as an operator's copy has them; it is on the device when this returns. */
function copyFolder(from: string, to: string): void {
  for (const command of [
    ["cp", "-a", from, to],
    ["sync", "-f", to],
  ]) {
    const { exitCode, stderr } = Bun.spawnSync(command);
    if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr}`);
  }
}
