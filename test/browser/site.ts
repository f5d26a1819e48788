/** A server with its page, at an address that stays the same when it is killed and started again. */
import { join } from "node:path";
import { buildWeb } from "../../scripts/build-web.mjs";
import { readServerFile } from "../../src/server/remembered.ts";
import { atEnd, type HoldfastProcess, holdfast, rpc, scratch, serve } from "../server-process.ts";
import { Line } from "./line.ts";
import { PASSWORD } from "./tab.ts";

export type SiteOptions = {
  /** Address to listen on. */
  host?: string;
  /** Further arguments of `holdfast serve`. */
  args?: readonly string[];
  /** A line that can fail lies between the browser and the server. */
  withLine?: boolean;
  /** A data directory that is there already, and its server's name. */
  data?: { readonly directory: string; readonly server: string };
};

export type Account = { readonly id: string; readonly token: string };

export class Site {
  /** What people open. */
  readonly url: string;
  /** The server itself, without the line. */
  readonly serverUrl: string;
  private readonly data: string;
  private process: HoldfastProcess;
  private readonly start: (listen: string) => HoldfastProcess;
  private readonly ownLine: Line | null;

  private constructor(
    data: string,
    process: HoldfastProcess,
    start: (listen: string) => HoldfastProcess,
    line: Line | null,
  ) {
    // What the process says is the address for clients; this is its own.
    this.serverUrl = readServerFile(data)?.running?.localUrl as string;
    this.url = line?.url ?? this.serverUrl;
    this.data = data;
    this.process = process;
    this.start = start;
    this.ownLine = line;
    line?.lead(Number(new URL(this.serverUrl).port));
  }

  static async open(options: SiteOptions = {}): Promise<Site> {
    if (buildWeb() !== 0) throw new Error("the page was not built");
    const { host = "127.0.0.1", args = [], withLine = false } = options;
    const line = withLine ? await Line.open() : null;
    if (line !== null) atEnd(() => line.close());
    const folder = scratch();
    const { directory, server } = options.data ?? { directory: join(folder, "data"), server: "a" };
    const start = (listen: string) => {
      const where = ["--name", server, "--data", directory, "--listen", listen];
      const known = line === null ? [] : ["--url", line.url];
      return serve(folder, [...where, ...known, "--sign-up", "open", ...args]);
    };
    const process = start(`${host}:0`);
    await process.ready();
    return new Site(directory, process, start, line);
  }

  get line(): Line {
    if (this.ownLine === null) throw new Error("this site was opened without a line");
    return this.ownLine;
  }

  /** The path that the server prints while it has no administrator: who opens it becomes one. */
  async setupPath(): Promise<string> {
    const [link] = await this.process.said(/#\/join\/setup-\S+/);
    return `/${link}`;
  }

  /** Gone at once, as in a crash. */
  async kill(): Promise<void> {
    await this.process.stop("SIGKILL");
  }

  async restart(): Promise<void> {
    this.process = this.start(new URL(this.serverUrl).host);
    await this.process.ready();
  }

  /** Calls a method with this token, past the browser. */
  async call(
    token: string | null,
    method: string,
    params: object,
  ): Promise<Record<string, unknown>> {
    const { result, error } = await rpc(this.serverUrl, method, params, token ?? undefined);
    if (result === undefined) throw new Error(`${method}: ${error?.message}`);
    return result;
  }

  /** The same for methods that write. */
  act(token: string | null, method: string, params: object): Promise<Record<string, unknown>> {
    return this.call(token, method, { ...params, id: Bun.randomUUIDv7() });
  }

  /** An account made past the browser, with the password that all have in tests. */
  async account(name: string, displayName = ""): Promise<Account> {
    const params = { name, displayName, password: PASSWORD, id: Bun.randomUUIDv7() };
    const { result, error } = await rpc(this.serverUrl, "account.create", params);
    if (result === undefined) throw new Error(`account.create: ${error?.message}`);
    return { id: (result.account as { id: string }).id, token: result.token as string };
  }

  /** Makes a message past the browser; its id. */
  async post({ token }: Account, to: string, text: string): Promise<string> {
    const { message } = await this.act(token, "message.post", { to, text });
    return (message as { id: string }).id;
  }

  /** What the operator does on the server's own machine. */
  async makeAdmin(name: string): Promise<void> {
    const { code, err } = await holdfast(this.data, ["admin", "grant", name, "--data", this.data]);
    if (code !== 0) throw new Error(`admin grant: ${err}`);
  }

  /** The texts of a conversation as the server has them, oldest first. */
  async texts(token: string, conversation: string): Promise<string[]> {
    const texts: string[] = [];
    let before: string | undefined;
    do {
      const page = await this.call(token, "message.history", {
        in: conversation,
        limit: 200,
        ...(before === undefined ? {} : { before }),
      });
      texts.unshift(...(page.messages as { text: string }[]).map(({ text }) => text));
      before = page.next as string | undefined;
    } while (before !== undefined);
    return texts;
  }
}
