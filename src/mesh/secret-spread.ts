/**
 * How a changed secret gets to all members: each tells it on every link to a member that has an older one, and
 * again to whom it links later. Who was away proves itself by the one before and by its key, and is told then.
 *
 * Invariants: 1. A secret is told only to a server whose recorded key proved itself, and never to one that was
 * removed. 2. What is told is on the disk of who tells it. 3. Of two the higher generation holds, then the
 * larger id: all end with the same one, also after two changes at once.
 */
import type { Hello } from "../protocol/peer-hello.ts";
import type { LinkMessage, ToldSecret } from "../protocol/peer-link.ts";
import type { Clock } from "../replica/ports.ts";
import type { LinkEnd } from "./link-end.ts";
import type { LinkSecret } from "./link-secret.ts";

/** The cluster's secrets, on disk. */
export interface Keyring {
  /** The present one first, then those from before, newest first. */
  readonly told: readonly LinkSecret[];
  /** The present one, for a member. */
  present(): ToldSecret;
  /** Takes over a newer one; resolves when it is on disk. False for one that is not newer. */
  adopt(told: ToldSecret): Promise<boolean>;
}

export type SecretSpreadParts = {
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly links: () => Iterable<LinkEnd>;
  /** Whether who is there is recorded, by this key, and was not removed. */
  readonly isMember: (theirs: Hello) => boolean;
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
  };
};

export class SecretSpread {
  private readonly parts: SecretSpreadParts;
  /** Which secret each server had when it last said so. */
  private readonly heldBy = new Map<string, string>();
  private readonly waiting = new Set<() => void>();

  constructor(parts: SecretSpreadParts) {
    this.parts = parts;
  }

  private get presentId(): string {
    return this.parts.keyring.told[0]?.id as string;
  }

  linked(end: LinkEnd): void {
    const { server, secrets } = end.theirs as Hello;
    this.heldBy.set(server, secrets[0] as string);
    this.tell(end);
  }

  told(end: LinkEnd, message: LinkMessage): void {
    const { server } = end.theirs as Hello;
    if (message.type === "link.holds") {
      this.heldBy.set(server, message.secret);
      for (const look of this.waiting) look();
    } else if (message.type === "link.secret" && this.isMember(end)) {
      this.adopt(end, message).catch((cause: unknown) => {
        const what = `the cluster's new secret, told by server ${server}, could not be stored`;
        this.parts.log.warn({ peer: server, err: cause }, `${what}: it is told again`);
      });
    }
  }

  private async adopt(end: LinkEnd, told: ToldSecret): Promise<void> {
    const { server } = end.theirs as Hello;
    const isNewer = await this.parts.keyring.adopt(told);
    end.say({ type: "link.holds", secret: this.presentId });
    if (!isNewer) return;
    const fields = { peer: server, generation: told.generation };
    this.parts.log.info(fields, `server ${server} told the cluster's new secret: it is stored`);
    this.spread();
  }

  /** Tells all that are linked and have another one. */
  spread(): void {
    for (const end of this.parts.links()) this.tell(end);
  }

  private tell(end: LinkEnd): void {
    const { server } = end.theirs as Hello;
    if (this.heldBy.get(server) === this.presentId || !this.isMember(end)) return;
    end.say({ type: "link.secret", ...this.parts.keyring.present() });
  }

  private isMember({ theirs }: LinkEnd): boolean {
    return theirs !== null && this.parts.isMember(theirs);
  }

  /** Servers that have the present one, as far as is known. */
  holders(): string[] {
    return [...this.heldBy].flatMap(([name, id]) => (id === this.presentId ? [name] : []));
  }

  /** Until all members that are linked have the present one, or it takes too long. */
  settled(withinMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.parts.clock.schedule(withinMs, resolve);
    const look = () => {
      if (this.isSettled()) resolve();
    };
    this.waiting.add(look);
    look();
    return promise.finally(() => {
      timer.cancel();
      this.waiting.delete(look);
    });
  }

  private isSettled(): boolean {
    for (const end of this.parts.links()) {
      const { server } = end.theirs as Hello;
      if (this.isMember(end) && this.heldBy.get(server) !== this.presentId) return false;
    }
    return true;
  }
}
