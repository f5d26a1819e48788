/** Which servers are members: from the view, made by ops; and the ops that say so of those who join. */
import type { Hash } from "../core/hash.ts";
import { operatorId } from "../core/ids.ts";
import type { Op } from "../core/op.ts";
import type { ReadView } from "../core/read-view.ts";
import { nextServerVersion, serverAdd, serverRemove, serverRequestId } from "../ops/server.ts";
import type { Proposal } from "./minter.ts";
import { subjectKey } from "./pending.ts";

export type Self = {
  readonly name: string;
  /** Public key, as text. */
  readonly key: string;
  /** Where clients and servers reach it. */
  readonly url: string;
};

export type Member = Self & { readonly isRemoved: boolean };

export class Members {
  private readonly self: Self;
  private readonly hash: Hash;
  private readonly view: ReadView;
  private all = new Map<string, Member>();
  /** Names of those that are in, this server always, sorted. */
  names: readonly string[] = [];

  constructor(self: Self, hash: Hash, view: ReadView) {
    this.self = self;
    this.hash = hash;
    this.view = view;
    this.read();
  }

  /** Whether a fold of this op may have changed who is a member. */
  static isAbout(op: Op): boolean {
    return op.kind === serverAdd.number || op.kind === serverRemove.number;
  }

  read(): void {
    this.all = new Map();
    for (const name of this.view.servers()) {
      const { standing, address } = this.view.get("server", name) ?? {};
      const isRemoved = standing?.value === "removed";
      const { key = "", url = "" } = address?.value ?? {};
      this.all.set(name, { name, key, url, isRemoved });
    }
    const names = new Set([this.self.name]);
    for (const { name, isRemoved } of this.all.values()) if (!isRemoved) names.add(name);
    this.names = [...names].sort();
  }

  get(name: string): Member | undefined {
    return this.all.get(name);
  }

  list(): Member[] {
    return [...this.all.values()];
  }

  isRemoved(name: string): boolean {
    return this.all.get(name)?.isRemoved ?? false;
  }

  /** What is to be minted so that all know a peer, and this server. */
  missing(peer: Self): Proposal[] {
    return [peer, this.self].flatMap((server) => this.toAdd(server) ?? []);
  }

  /**
   * What is to be minted so that this server is known as it is; null if it is. A server that was removed
   * comes back only by an administrator's word.
   */
  private toAdd(server: Self): Proposal | null {
    return this.isRemoved(server.name) ? null : this.toAdmit(server);
  }

  /** The same for one that an administrator invited, removed before or not. */
  toAdmit(server: Self): Proposal | null {
    const known = this.all.get(server.name);
    const isSame = known?.key === server.key && known.url === server.url;
    if (isSame && !known.isRemoved) return null;
    const version = nextServerVersion(this.view.get("server", server.name));
    const data = { name: server.name, key: server.key, url: server.url, version };
    return {
      author: operatorId(this.hash),
      id: serverRequestId(this.hash, serverAdd, data),
      kind: serverAdd as unknown as Proposal["kind"],
      content: { scope: null, data, body: null },
      changes: [subjectKey({ table: "server", key: server.name })],
    };
  }
}
