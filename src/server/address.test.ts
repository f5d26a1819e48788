import { describe, expect, test } from "bun:test";
import {
  clientAddress,
  formatHostPort,
  inRange,
  isLoopback,
  isWildcard,
  parseHostPort,
  parseRange,
} from "./address.ts";

describe("HOST:PORT", () => {
  test("addresses and names", () => {
    expect(parseHostPort("127.0.0.1:7300")).toEqual({ host: "127.0.0.1", port: 7300 });
    expect(parseHostPort("[::1]:0")).toEqual({ host: "::1", port: 0 });
    expect(parseHostPort("chat.example.com:443")).toEqual({ host: "chat.example.com", port: 443 });
  });

  for (const text of [
    "",
    "7300",
    ":7300",
    "host",
    "::1:7300",
    "[::1]",
    "[nope]:1",
    "a:65536",
    "a:-1",
    "1.2.3:80",
    "a b:1",
    "[127.0.0.1]:1",
  ]) {
    test(`${JSON.stringify(text)} is none`, () => expect(parseHostPort(text)).toBeNull());
  }

  test("reads what it writes", () => {
    for (const text of ["127.0.0.1:7300", "[fd00::7]:7300", "localhost:1"]) {
      expect(formatHostPort(parseHostPort(text)!)).toBe(text);
    }
  });
});

describe("ranges", () => {
  const within = (address: string, text: string) => inRange(address, parseRange(text)!);

  test("compare bits, not text", () => {
    expect(within("10.1.2.3", "10.0.0.0/8")).toBe(true);
    expect(within("11.0.0.1", "10.0.0.0/8")).toBe(false);
    expect(within("192.0.2.129", "192.0.2.128/25")).toBe(true);
    expect(within("192.0.2.127", "192.0.2.128/25")).toBe(false);
    expect(within("fd00::1", "fd00::/8")).toBe(true);
    expect(within("fe80::1", "fd00::/8")).toBe(false);
    expect(within("203.0.113.9", "0.0.0.0/0")).toBe(true);
    expect(within("10.0.0.7", "10.0.0.7")).toBe(true);
    expect(within("10.0.0.8", "10.0.0.7")).toBe(false);
  });

  test("an IPv4 address inside IPv6 is that address", () => {
    expect(within("::ffff:10.1.2.3", "10.0.0.0/8")).toBe(true);
    expect(within("::ffff:a01:203", "10.0.0.0/8")).toBe(true);
    expect(within("::1", "0.0.0.0/0")).toBe(false);
  });

  for (const text of [
    "",
    "10.0.0.0/33",
    "10.0.0.1/8",
    "::/129",
    "ten/8",
    "010.0.0.1",
    "10.0.0.0/",
    "fd00::1/8",
  ]) {
    test(`${JSON.stringify(text)} is none`, () => expect(parseRange(text)).toBeNull());
  }
});

test("loopback and wildcard", () => {
  for (const host of ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "localhost"]) {
    expect(isLoopback(host)).toBe(true);
  }
  for (const host of [
    "0.0.0.0",
    "10.0.0.1",
    "::",
    "127.0.0.1.example.com",
    "localhost.example.com",
  ]) {
    expect(isLoopback(host)).toBe(false);
  }
  expect([isWildcard("0.0.0.0"), isWildcard("::"), isWildcard("10.0.0.0")]).toEqual([
    true,
    true,
    false,
  ]);
});

describe("the client behind proxies", () => {
  const trusted = [parseRange("10.0.0.0/8")!, parseRange("127.0.0.1")!];

  test("is the nearest address that a trusted proxy saw and that is no trusted proxy itself", () => {
    expect(clientAddress("10.0.0.1", "203.0.113.5", trusted)).toBe("203.0.113.5");
    expect(clientAddress("10.0.0.1", "203.0.113.5, 10.0.0.2", trusted)).toBe("203.0.113.5");
    expect(clientAddress("10.0.0.1", "1.1.1.1, 203.0.113.5", trusted)).toBe("203.0.113.5");
  });

  test("is the socket's where nobody trusted speaks, or speaks nonsense", () => {
    expect(clientAddress("203.0.113.9", "127.0.0.1", trusted)).toBe("203.0.113.9");
    expect(clientAddress("10.0.0.1", null, trusted)).toBe("10.0.0.1");
    expect(clientAddress("10.0.0.1", "unknown", trusted)).toBe("10.0.0.1");
    expect(clientAddress("10.0.0.1", "203.0.113.5", [])).toBe("10.0.0.1");
  });
});
