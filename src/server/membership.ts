/**
 * Who becomes a member, and what all members share: tokens made and honoured here, the secret changed and told.
 */
import { Refusal } from "../core/errors.ts";
import type { Membership as MembershipPort } from "../gateway/ports.ts";
import type { Admission } from "../mesh/admission.ts";
import { encodeJoinToken } from "../mesh/join-token.ts";
import type { LinkSecret } from "../mesh/link-secret.ts";
import type { Mesh } from "../mesh/mesh.ts";
import type { LinkRefusal } from "../mesh/refusals.ts";
import type { Hello } from "../protocol/peer-hello.ts";
import { JOIN_URLS_MAX } from "../protocol/peer-join.ts";
import type { ToldSecret } from "../protocol/peer-link.ts";
import type { Replica } from "../replica/replica.ts";
import { parsePeer, peerUrl } from "./address.ts";
import type { JoinTokens } from "./join-tokens.ts";
import type { ServerKeyring } from "./keyring.ts";

/** How long `holdfast secret rotate` waits for those who are linked. */
const SPREAD_WAIT_MS = 5_000;

export type MembershipParts = {
  readonly name: string;
  readonly publicKey: string;
  /** The address that clients use. */
  readonly url: string;
  readonly replica: Replica;
  readonly keyring: ServerKeyring;
  readonly tokens: JoinTokens;
};

export class Membership implements MembershipPort, Admission {
  /** Set once there is one. */
  mesh: Mesh | null = null;
  private readonly parts: MembershipParts;

  constructor(parts: MembershipParts) {
    this.parts = parts;
  }

  async invite(expiresInMs: number, urls: readonly string[] | null) {
    const { name, publicKey, url, replica, keyring, tokens } = this.parts;
    const isSecure = url.startsWith("https:");
    const reached = (urls ?? [url]).map((text) => {
      const peer = parsePeer(text);
      if (peer === null) throw new Refusal("invalid", `${text} is no HOST:PORT and no address`);
      return peerUrl(peer, isSecure);
    });
    const expiresAt = Math.floor(replica.wallMs() + expiresInMs);
    const join = await tokens.make(expiresAt);
    const token = encodeJoinToken({
      cluster: keyring.cluster,
      server: name,
      key: publicKey,
      join,
      urls: reached.slice(0, JOIN_URLS_MAX),
    });
    return { token, expiresAt };
  }

  async rotateSecret() {
    const { name, keyring, replica } = this.parts;
    await keyring.change();
    const spread = this.mesh?.spread;
    spread?.spread();
    await spread?.settled(SPREAD_WAIT_MS);
    const holders = new Set([name, ...(spread?.holders() ?? [])]);
    const { names } = replica.members;
    return {
      generation: keyring.generation,
      held: names.filter((one) => holders.has(one)),
      away: names.filter((one) => !holders.has(one)),
    };
  }

  token(id: string): LinkSecret | null {
    return this.parts.tokens.secret(id);
  }

  judge(id: string, theirs: Hello): LinkRefusal | null {
    return this.parts.tokens.judge(id, theirs.key);
  }

  async admit(id: string, { server, key, url }: Hello): Promise<ToldSecret | LinkRefusal> {
    const { tokens, keyring } = this.parts;
    const refusal = tokens.judge(id, key); // it may have been used meanwhile
    if (refusal !== null) return refusal;
    await tokens.spend(id, key);
    await this.record({ name: server, key, url });
    return keyring.present();
  }

  /** Throws Refusal where it can't be stored. An outcome that is not known is good enough: it is on this disk. */
  private async record(server: { name: string; key: string; url: string }): Promise<void> {
    const { replica } = this.parts;
    const proposal = replica.members.toAdmit(server);
    if (proposal === null) return;
    const { author, id, kind, content } = proposal;
    try {
      await (replica.earlier(author, id, kind, content) ?? replica.mint(proposal));
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== "indefinite") throw error;
    }
  }
}
