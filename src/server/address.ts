/**
 * Network addresses: where to listen, who counts as near, whose word about others is believed.
 *
 * Everything is compared as bytes, never as text: `::ffff:127.0.0.1` is the loopback address too, and
 * `010.0.0.1` is nothing at all.
 */
import { isIP } from "node:net";
import { networkInterfaces } from "node:os";

export type HostPort = { readonly host: string; readonly port: number };

/** `HOST:PORT`, `[IPv6]:PORT`; null for anything else. */
export function parseHostPort(text: string): HostPort | null {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text);
  if (match === null) return null;
  const [, bracketed, plain, digits] = match;
  const port = Number(digits);
  if (port > 65_535) return null;
  if (bracketed !== undefined) return isIP(bracketed) === 6 ? { host: bracketed, port } : null;
  const host = plain as string;
  // A host of digits and dots that is no address would be looked up as a name, and never found.
  if (/^[0-9.]+$/.test(host) && isIP(host) !== 4) return null;
  return { host, port };
}

export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Another server, as the operator names it: `HOST:PORT` or `https://HOST[:PORT]`; null for anything else. */
export function parsePeer(text: string): string | null {
  if (!/^https?:\/\//i.test(text)) {
    const parsed = parseHostPort(text);
    if (parsed === null || parsed.port === 0) return null;
    const peer = formatHostPort(parsed);
    // A name whose last part is a number is no name to a URL, and could never be dialled.
    return URL.canParse(`http://${peer}`) ? peer : null;
  }
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.username !== "" || url.hostname === "") return null;
  return url.pathname === "/" && url.search === "" && url.hash === "" ? url.origin : null;
}

/** Where it is dialled; without a scheme it is taken to speak as this server does. */
export function peerUrl(peer: string, isSecure: boolean): string {
  return peer.includes("://") ? peer : new URL(`${isSecure ? "https" : "http"}://${peer}`).origin;
}

/** 4 or 16 bytes; an IPv4 address inside IPv6 comes as 4. null for text that is no address. */
export function addressBytes(text: string): Uint8Array | null {
  const bare = text.split("%")[0] as string;
  const family = isIP(bare);
  if (family === 4) return Uint8Array.from(bare.split(".").map(Number));
  if (family !== 6) return null;
  const bytes = v6Bytes(bare);
  const mapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff;
  return mapped && bytes[11] === 0xff ? bytes.slice(12) : bytes;
}

function v6Bytes(text: string): Uint8Array {
  const groups = (part: string): number[] =>
    part === ""
      ? []
      : part.split(":").flatMap((group) => {
          if (!group.includes(".")) return [Number.parseInt(group, 16)];
          const [a, b, c, d] = group.split(".").map(Number) as [number, number, number, number];
          return [a * 256 + b, c * 256 + d];
        });
  const [before = "", after] = text.split("::");
  const head = groups(before);
  const tail = after === undefined ? [] : groups(after);
  const zeros = new Array<number>(8 - head.length - tail.length).fill(0);
  return Uint8Array.from(
    [...head, ...zeros, ...tail].flatMap((group) => [group >> 8, group & 255]),
  );
}

/** An address or a range of them: `10.0.0.0/8`, `fd00::/8`, `192.0.2.7`. */
export type AddressRange = {
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly bits: number;
};

/** null for text that is neither. A range whose low bits are not zero is a slip, and refused too. */
export function parseRange(text: string): AddressRange | null {
  const match = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text);
  const bytes = match === null ? null : addressBytes(match[1] as string);
  if (match === null || bytes === null) return null;
  const bits = match[2] === undefined ? bytes.length * 8 : Number(match[2]);
  if (bits > bytes.length * 8) return null;
  const range = { text, bytes, bits };
  const low = bytes.some((byte, i) => (byte & ~maskByte(bits, i) & 255) !== 0);
  return low ? null : range;
}

function maskByte(bits: number, i: number): number {
  const own = Math.min(Math.max(bits - i * 8, 0), 8);
  return (0xff << (8 - own)) & 0xff;
}

export function inRange(address: string, range: AddressRange): boolean {
  const bytes = addressBytes(address);
  if (bytes === null || bytes.length !== range.bytes.length) return false;
  return bytes.every((byte, i) => (byte & maskByte(range.bits, i)) === range.bytes[i]);
}

export function inAnyRange(address: string, ranges: readonly AddressRange[]): boolean {
  return ranges.some((range) => inRange(address, range));
}

const LOOPBACK = ["127.0.0.0/8", "::1"].map((text) => parseRange(text) as AddressRange);

/** Whether only this machine can be behind an address, or reach a host to listen on. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || inAnyRange(host, LOOPBACK);
}

/** Whether it is an address of one of this machine's interfaces. */
export function isOwnAddress(address: string): boolean {
  const bytes = addressBytes(address);
  if (bytes === null) return false;
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .some((own) => Buffer.compare(addressBytes(own.address) ?? new Uint8Array(), bytes) === 0);
}

/** An IPv4 address by which other machines may reach this one; null if there is none. */
export function outwardAddress(): string | null {
  const outward = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ internal, family }) => !internal && family === "IPv4");
  return outward?.address ?? null;
}

export function isWildcard(host: string): boolean {
  return addressBytes(host)?.every((byte) => byte === 0) ?? false;
}

/**
 * Who is at the other end. Each proxy adds the address it saw to the right of X-Forwarded-For, so the list
 * is read from the right, as long as the one who wrote it is trusted: what stands further left anybody could
 * have sent.
 */
export function clientAddress(
  socketAddress: string,
  forwardedFor: string | null,
  trusted: readonly AddressRange[],
): string {
  let address = socketAddress;
  const hops = forwardedFor === null ? [] : forwardedFor.split(",");
  while (hops.length > 0 && inAnyRange(address, trusted)) {
    const hop = (hops.pop() as string).trim();
    if (addressBytes(hop) === null) break;
    address = hop;
  }
  return address;
}
