/** Whose page may use the cookie, and what is read of it. */
import { describe, expect, test } from "bun:test";
import { cookieName, cookieToken, isOwnPage } from "./cookie.ts";

const TOKEN = `hft_${"A".repeat(43)}`;
const OTHER = `hft_${"B".repeat(43)}`;

describe("[R71] the own page is one of exactly this origin", () => {
  type Case = [origin: string | null, host: string | null, tls: boolean, url: string | null];
  const own: Case[] = [
    ["http://192.168.1.5:7300", "192.168.1.5:7300", false, null],
    ["http://chat.example", "chat.example", false, null],
    ["http://chat.example", "chat.example:80", false, null],
    ["http://chat.example", "CHAT.example", false, null],
    ["http://[::1]:7300", "[::1]:7300", false, null],
    ["https://chat.example", "chat.example", true, null],
    ["https://chat.example", "chat.example:443", true, null],
    ["https://chat.example", "chat.example", false, null], // a proxy has the TLS
    ["https://chat.example", "127.0.0.1:7300", false, "https://chat.example"],
  ];
  for (const [origin, host, tls, url] of own) {
    test(`${origin} at ${host}${tls ? " by TLS" : ""} is`, () => {
      expect(isOwnPage(headersOf(origin, host), tls, url)).toBe(true);
    });
  }
  const foreign: Case[] = [
    [null, "chat.example", false, null],
    ["null", "chat.example", false, null],
    ["", "chat.example", false, null],
    ["http://chat.example:8080", "chat.example", false, null],
    ["http://chat.example", "chat.example:8080", false, null],
    ["http://chat.example", "chat.example:443", false, null],
    ["https://chat.example", "chat.example:80", false, null],
    ["http://chat.example", "chat.example", true, null],
    ["http://evil.example", "chat.example", false, null],
    ["http://chat.example.evil.example", "chat.example", false, null],
    ["http://sub.chat.example", "chat.example", false, null],
    ["http://chat.example", null, false, null],
    ["http://chat.example", "", false, null],
    ["http://chat.example", "chat.example@evil.example", false, null],
    ["http://evil.example", "chat.example@evil.example/", false, null],
    ["file://chat.example", "chat.example", false, null],
    ["chrome-extension://chat.example", "chat.example", false, null],
    ["http://other.example", "127.0.0.1:7300", false, "https://chat.example"],
    ["http://chat.example", "127.0.0.1:7300", false, "https://chat.example"],
  ];
  for (const [origin, host, tls, url] of foreign) {
    test(`${origin} at ${host}${tls ? " by TLS" : ""} is not`, () => {
      expect(isOwnPage(headersOf(origin, host), tls, url)).toBe(false);
    });
  }
});

function headersOf(origin: string | null, host: string | null): Headers {
  const headers = new Headers();
  if (origin !== null) headers.set("origin", origin);
  if (host !== null) headers.set("host", host);
  return headers;
}

test("[R71] clusters on one host have cookies of their own", () => {
  const [a, b] = [cookieName("aaaaaaaaaaaaaaaa"), cookieName("bbbbbbbbbbbbbbbb")];
  expect(a).not.toBe(b);
  const headers = new Headers({ cookie: `x=1; ${b}=${OTHER}; ${a}=${TOKEN}` });
  expect([cookieToken(headers, a), cookieToken(headers, b)]).toEqual([TOKEN, OTHER]);
  expect(cookieToken(headers, cookieName("cccccccccccccccc"))).toBeNull();
});

test("[R71] what is no token is no token, however it is put", () => {
  const name = cookieName("aaaaaaaaaaaaaaaa");
  for (const value of ["", "cookie", `${TOKEN}x`, `"${TOKEN}"`, "hfo_operator", `=${TOKEN}`]) {
    expect(cookieToken(new Headers({ cookie: `${name}=${value}` }), name), value).toBeNull();
  }
  for (const header of ["", ";;;", "=", name, `${name}x=${TOKEN}`, `x${name}=${TOKEN}`]) {
    expect(cookieToken(new Headers({ cookie: header }), name), header).toBeNull();
  }
  expect(cookieToken(new Headers(), name)).toBeNull();
});
