/** Whether the disk has room for writes: between two readings what was minted since counts as spent. */

import { Refusal } from "../core/errors.ts";

/** Free space must pass the reserve by this factor before writes come back. */
const RETURN_FACTOR = 1.1;

export class DiskRoom {
  isLow = false;
  private freeBytes = Number.POSITIVE_INFINITY;
  private reserveBytes = 0;

  read(freeBytes: number, reserveBytes: number): void {
    this.freeBytes = freeBytes;
    this.reserveBytes = reserveBytes;
  }

  /** What to say where that changed; null where it did not. `isFull`: the view found no room. */
  judge(mintedBytes: number, isFull: boolean): string | null {
    const bound = this.isLow ? this.reserveBytes * RETURN_FACTOR : this.reserveBytes;
    const low = this.freeBytes - mintedBytes < bound || isFull;
    if (low === this.isLow) return null;
    this.isLow = low;
    return low
      ? `free space ${this.freeBytes} bytes is below the reserve of ${this.reserveBytes}: writes are refused until there is room`
      : `free space ${this.freeBytes} bytes is above the reserve again: writes are taken`;
  }
}

export function storageFull(name: string): Refusal {
  const what = `the disk of server ${name} is nearly full: it takes no writes until there is room`;
  return new Refusal("storage_full", what, 5_000);
}
