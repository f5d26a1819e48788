/**
 * The page at `/`: what `npm run build:web` packed, with the headers that a browser needs to keep it safe.
 *
 * It is served whatever state the server is in: the page says itself that its server starts or stops.
 * Nothing of the request gets into an answer but a host of which every character was looked at: the policy
 * of where the page may connect names the address that it was asked from.
 * Rejected: files read as they are asked for. A build under a running server would mix two pages.
 */
import { readFile } from "node:fs/promises";
import { isLoopback } from "./address.ts";
import { isPassedOn, SECURITY_HEADERS, textResponse } from "./http-guard.ts";
import { ENCODINGS, type Encoding, type PageFile, type PagePack, readPack } from "./page-pack.ts";

const PACK_FILE = "page.bin";
const PACK_PATH = new URL(`../../dist/${PACK_FILE}`, import.meta.url);
const MISSING = [
  "This server runs, but its page was not built.",
  "In the checkout that it was started from: npm run build:web, then start it again.",
  "",
].join("\n");

/** The page of this executable, or of this checkout; null if there is none. */
export async function loadPage(): Promise<PagePack | null> {
  const embedded = Bun.embeddedFiles.find((file) => "name" in file && file.name === PACK_FILE);
  if (embedded !== undefined) return readPack(await embedded.bytes());
  try {
    return readPack(new Uint8Array(await readFile(PACK_PATH)));
  } catch {
    return null;
  }
}

export type PageOptions = {
  readonly pack: PagePack | null;
  readonly tls: boolean;
  /** Addresses of all servers that the page may talk to. */
  readonly servers: () => readonly string[];
  /** For whoever asks for `/` and is no browser. */
  readonly welcome: () => string;
};

/** What the page has no use for, nobody who gets into it can use either. */
const PERMISSIONS = [
  "accelerometer",
  "camera",
  "display-capture",
  "geolocation",
  "gyroscope",
  "magnetometer",
  "microphone",
  "midi",
  "payment",
  "usb",
]
  .map((feature) => `${feature}=()`)
  .join(", ");

/** The worker asks for the page's files; nothing else. */
const WORKER_POLICY = "default-src 'none'; connect-src 'self'; frame-ancestors 'none'";

export class Page {
  private readonly options: PageOptions;

  constructor(options: PageOptions) {
    this.options = options;
  }

  /** The answer to GET or HEAD of a path; null for one that is not the page's. */
  answer(request: Request, path: string): Response | null {
    const { pack, welcome } = this.options;
    if (path === "/" && !asksForHtml(request.headers.get("accept"))) {
      return textResponse(200, welcome(), { vary: "accept" });
    }
    if (pack === null) return path === "/" ? textResponse(503, MISSING, { vary: "accept" }) : null;
    const file = pack.files.get(path);
    return file === undefined ? null : this.serve(request, file);
  }

  private serve(request: Request, file: PageFile): Response {
    const headers: Record<string, string> = {
      ...SECURITY_HEADERS,
      "cache-control": file.immutable ? "public, max-age=31536000, immutable" : "no-cache",
      etag: file.etag,
      vary: file.path === "/" ? "accept, accept-encoding" : "accept-encoding",
    };
    if (file.path === "/") Object.assign(headers, this.pageHeaders(request));
    if (file.path === "/sw.js") {
      headers["content-security-policy"] = WORKER_POLICY;
      headers["service-worker-allowed"] = "/";
    }
    if (knowsTag(request.headers.get("if-none-match"), file.etag)) {
      return new Response(null, { status: 304, headers });
    }
    const encoding = chooseEncoding(request.headers.get("accept-encoding"), file);
    headers["content-type"] = file.type;
    if (encoding !== "identity") headers["content-encoding"] = encoding;
    return new Response(file.bodies.get(encoding) ?? null, { headers });
  }

  private pageHeaders(request: Request): Record<string, string> {
    const { tls, servers } = this.options;
    const asked = request.headers.get("host") ?? "";
    const host = plainHost(asked);
    const name = asked.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
    const isSecure = tls || isPassedOn(request.headers) || isLoopback(name);
    return {
      "content-security-policy": pagePolicy(host, tls, servers()),
      "permissions-policy": PERMISSIONS,
      // `no-referrer` would take the origin away from some of the page's own requests.
      "referrer-policy": "same-origin",
      // Browsers ignore it, and complain, where the address is not trustworthy.
      ...(isSecure ? { "cross-origin-opener-policy": "same-origin" } : {}),
    };
  }
}

/** What the page may load and where it may connect. `trusted-types`: src/web/keep-page.ts. */
function pagePolicy(host: string | null, tls: boolean, servers: readonly string[]): string {
  // A ws: source covers wss: as well, for a server behind a proxy that speaks TLS.
  const own = host === null ? [] : [`${tls ? "wss" : "ws"}://${host}`];
  const connect = new Set(["'self'", ...own, ...servers.flatMap(socketSource)]);
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    `connect-src ${[...connect].join(" ")}`,
    "manifest-src 'self'",
    "worker-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types holdfast-worker",
  ].join("; ");
}

/** Where a server takes WebSockets, as a source of a policy; none for what is no address. */
function socketSource(server: string): string[] {
  const url = URL.canParse(server) ? new URL(server) : null;
  const host = url === null ? null : plainHost(url.host);
  if (url === null || host === null || !/^https?:$/.test(url.protocol)) return [];
  return [`${url.protocol === "https:" ? "wss" : "ws"}://${host}`];
}

/**
 * A host in lower case; null unless it is a name or an IPv4 address, and a port. A policy has no words for
 * anything else: at an IPv6 address the page connects by what 'self' allows.
 */
function plainHost(host: string | null): string | null {
  const plain = /^[a-z0-9][a-z0-9.-]{0,252}(?::\d{1,5})?$/i;
  return host !== null && plain.test(host) ? host.toLowerCase() : null;
}

function asksForHtml(accept: string | null): boolean {
  return accept !== null && /(?:^|[,\s])text\/html(?:[;,\s]|$)/i.test(accept);
}

/** Whether the client's copy is this one (RFC 9110, 13.1.2: weak comparison). */
function knowsTag(header: string | null, etag: string): boolean {
  if (header === null) return false;
  if (header.trim() === "*") return true;
  const bare = (tag: string): string => tag.trim().replace(/^W\//, "");
  return header.split(",").some((tag) => bare(tag) === bare(etag));
}

/** The smallest that the client takes (RFC 9110, 12.5.3). */
function chooseEncoding(header: string | null, file: PageFile): Encoding {
  const taken = new Map<string, boolean>();
  for (const part of (header ?? "").toLowerCase().split(",")) {
    const [name = "", ...parameters] = part.split(";").map((text) => text.trim());
    taken.set(name, !parameters.some((parameter) => /^q=0(?:\.0{0,3})?$/.test(parameter)));
  }
  const accepts = (encoding: Encoding): boolean =>
    encoding === "identity" || (taken.get(encoding) ?? taken.get("*") ?? false);
  return (
    [...ENCODINGS].reverse().find((encoding) => file.bodies.has(encoding) && accepts(encoding)) ??
    "identity"
  );
}
