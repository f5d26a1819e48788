/**
 * The cluster's secrets as this server has them: in memory for links, on disk before anything depends on them.
 *
 * What was changed or told by others is kept in the data directory, whatever file the first one came from: that
 * file may be anybody's, and several servers'. Of the two the one of the higher generation holds.
 */
import { open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { compareText, fromBase64Url, toBase64Url } from "../core/bytes.ts";
import { type LinkSecret, linkSecret } from "../mesh/link-secret.ts";
import type { Keyring } from "../mesh/secret-spread.ts";
import type { ToldSecret } from "../protocol/peer-link.ts";
import {
  deriveKey,
  SECRET_BYTES,
  SECRET_FILE,
  type Secrets,
  secretText,
  withSecret,
} from "./secret.ts";

const linkSecretOf = (secret: Uint8Array) => linkSecret(deriveKey(secret, "peers"));

export class ServerKeyring implements Keyring {
  private readonly data: string;
  private secrets: Secrets;
  told: readonly LinkSecret[];
  /** Changes are stored one after the other. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(data: string, secrets: Secrets) {
    this.data = data;
    this.secrets = secrets;
    this.told = toldOf(secrets);
  }

  get cluster(): string {
    return this.secrets.cluster;
  }

  get generation(): number {
    return this.secrets.generation;
  }

  /** 32 bytes that only holders of the present secret can compute. */
  derive(label: string): Uint8Array {
    return deriveKey(this.secrets.secret, label);
  }

  present(): ToldSecret {
    const { cluster, generation, secret } = this.secrets;
    return { cluster, generation, secret: toBase64Url(secret) };
  }

  adopt({ cluster, generation, secret: text }: ToldSecret): Promise<boolean> {
    return this.inOrder(async () => {
      const secret = fromBase64Url(text);
      if (secret?.length !== SECRET_BYTES || cluster !== this.secrets.cluster) return false;
      const own = this.secrets.generation;
      const isNewer =
        generation === own
          ? compareText(linkSecretOf(secret).id, this.told[0]?.id ?? "") > 0
          : generation > own;
      if (isNewer) await this.store(secret, generation);
      return isNewer;
    });
  }

  /** A new one, of one generation more. Resolves when it is on this disk: only then others may hear of it. */
  change(): Promise<void> {
    return this.inOrder(async () => {
      const secret = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
      await this.store(secret, this.secrets.generation + 1);
    });
  }

  private inOrder<T>(work: () => Promise<T>): Promise<T> {
    const next = this.last.then(work, work);
    this.last = next.catch(() => {});
    return next;
  }

  private async store(secret: Uint8Array, generation: number): Promise<void> {
    const { cluster } = this.secrets;
    const next = withSecret(this.secrets, { secret, cluster, generation });
    await storeSecrets(this.data, next);
    this.secrets = next;
    this.told = toldOf(next);
  }
}

function toldOf({ secret, former }: Secrets): LinkSecret[] {
  return [secret, ...former].map(linkSecretOf);
}

/** Where every later start of this server looks. */
export function storeSecrets(data: string, secrets: Secrets): Promise<void> {
  return writeWhole(join(data, SECRET_FILE), secretText(secrets));
}

/** In the place of the old one, durable; a crash leaves the one or the other. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const draft = `${path}.new`;
  await rm(draft, { force: true });
  const file = await open(draft, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
  const folder = await open(dirname(path), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
