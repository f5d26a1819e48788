import { afterEach, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanUp, scratch } from "../../test/server-process.ts";
import { toBase64Url } from "../core/bytes.ts";
import { SECRETS_FORMER_MAX } from "../core/limits.ts";
import { StartError } from "./exit-codes.ts";
import { ServerKeyring, storeSecrets } from "./keyring.ts";
import { clusterIdOf, readSecret, type Secrets } from "./secret.ts";

afterEach(cleanUp);

const bytes = (byte: number) => new Uint8Array(32).fill(byte);
const base64 = (byte: number) => Buffer.from(bytes(byte)).toString("base64");

function firstOf(byte: number): Secrets {
  const secret = bytes(byte);
  return { secret, cluster: clusterIdOf(secret), generation: 0, former: [] };
}

const pathIn = (folder: string) => join(folder, "secret");

test("[R99] a change keeps the cluster, counts on, and keeps the last ones; so does the file", async () => {
  const folder = scratch();
  const ring = new ServerKeyring(folder, firstOf(1));
  const ids = [ring.told[0]?.id];
  for (let i = 1; i <= SECRETS_FORMER_MAX + 2; i++) {
    await ring.change();
    ids.unshift(ring.told[0]?.id);
    expect(ring.told.map(({ id }) => id)).toEqual(ids.slice(0, 1 + SECRETS_FORMER_MAX) as string[]);
    const read = readSecret(pathIn(folder)) as Secrets;
    expect([read.cluster, read.generation]).toEqual([clusterIdOf(bytes(1)), i]);
    expect(new ServerKeyring(folder, read).told).toEqual([...ring.told]);
  }
  expect(new Set(ids).size).toBe(SECRETS_FORMER_MAX + 3);
  expect(statSync(pathIn(folder)).mode & 0o777).toBe(0o600);
});

test("[R99] of two secrets the later one holds, whoever hears of which first; another cluster's never", async () => {
  const [one, two, late] = [4, 5, 3].map((byte, i) => ({
    cluster: clusterIdOf(bytes(1)),
    generation: i < 2 ? 7 : 6,
    secret: toBase64Url(bytes(byte)),
  }));
  const rings = [scratch(), scratch()].map((folder) => new ServerKeyring(folder, firstOf(1)));
  const [x, y] = rings as [ServerKeyring, ServerKeyring];
  // At once, as frames of two links come.
  await Promise.all([one!, two!, late!].map((told) => x.adopt(told)));
  await Promise.all([late!, two!, one!].map((told) => y.adopt(told)));
  expect(x.present()).toEqual(y.present());
  expect(x.generation).toBe(7);
  expect(await x.adopt(x.present())).toBe(false);
  for (const wrong of [
    { ...one!, cluster: clusterIdOf(bytes(2)), generation: 99 },
    { ...one!, generation: 99, secret: toBase64Url(new Uint8Array(31)) },
  ]) {
    expect(await x.adopt(wrong)).toBe(false);
  }
  expect(x.present()).toEqual(y.present());
});

test("[R99] a secret that could not be stored is not the present one, and the next change goes on", async () => {
  const folder = scratch();
  const data = join(folder, "data");
  const ring = new ServerKeyring(data, firstOf(1));
  const before = ring.present();
  expect(await ring.change().catch(() => "failed")).toBe("failed"); // the folder is gone
  expect(ring.present()).toEqual(before);
  mkdirSync(data);
  await ring.change();
  expect(readSecret(pathIn(data))).toMatchObject({ generation: 1 });
});

test("[R99] a crash in the middle of writing leaves the secret from before", async () => {
  const folder = scratch();
  await storeSecrets(folder, firstOf(1));
  writeFileSync(`${pathIn(folder)}.new`, base64(2).slice(0, 10));
  expect(readSecret(pathIn(folder))?.secret).toEqual(bytes(1));
  const ring = new ServerKeyring(folder, firstOf(1));
  await ring.change();
  expect(readSecret(pathIn(folder))?.generation).toBe(1);
});

test("[R10] a file with lines that are none is no secret; a bare secret is the first of its cluster", () => {
  const path = pathIn(scratch());
  const cluster = clusterIdOf(bytes(9));
  const write = (text: string) => {
    writeFileSync(path, text);
    chmodSync(path, 0o600);
  };
  write(`${base64(1)}\r\ncluster ${cluster}\r\ngeneration 3\r\nformer ${base64(2)}\r\n`);
  expect(readSecret(path)).toMatchObject({ cluster, generation: 3, former: [bytes(2)] });
  write(base64(1));
  expect(readSecret(path)).toMatchObject({ cluster: clusterIdOf(bytes(1)), generation: 0 });
  for (const lines of [
    "cluster x",
    "cluster",
    "generation -1",
    "generation 1e99",
    "former AAAA",
    "colour green",
    Array(SECRETS_FORMER_MAX + 1)
      .fill(`former ${base64(2)}`)
      .join("\n"),
  ]) {
    write(`${base64(1)}\n${lines}\n`);
    expect(() => readSecret(path), lines).toThrow(StartError);
  }
  expect(readFileSync(path, "utf8")).toContain("former");
});
