/** The questions of a start on a terminal, asked through a real one; and none without. */
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { EXIT_CODES } from "../src/server/exit-codes.ts";
import { cleanUp, HoldfastProcess, rpc, scratch, serve } from "./server-process.ts";
import { Typist } from "./typist.ts";

afterEach(cleanUp);

describe("on a terminal", () => {
  test("asks name, address and other servers, and remembers the answers", async () => {
    const folder = scratch();
    const first = new Typist(["serve"], folder);
    await first.sees("Name of this server [");
    first.types("Not A Name\r");
    await first.sees("expected 1 to 32");
    await first.sees("Name of this server [");
    first.types("alpha\r");
    await first.sees("Address to listen on [127.0.0.1:7300]: ");
    first.types("127.0.0.1\r");
    await first.sees("expected HOST:PORT");
    first.types("127.0.0.1:0\r");
    await first.sees("Another server, HOST:PORT (Enter to stop): ");
    first.types("10.0.0.2:7300\r");
    await first.sees("Another server, HOST:PORT (Enter to stop): ");
    first.types("\r");
    await first.sees("server alpha is ready at http://127.0.0.1:");
    await first.sees("chat --server");
    expect(await first.leaves()).toBe(0);

    const again = new Typist(["serve"], folder);
    await again.sees("Name of this server [alpha]: ");
    again.types("\r");
    await again.sees("Address to listen on [127.0.0.1:0]: ");
    again.types("\r");
    await again.sees("Other servers on record: 10.0.0.2:7300");
    await again.sees("(Enter to stop): ");
    again.types("\r");
    await again.sees("server alpha is ready");
    expect(await again.leaves()).toBe(0);
    const kept = JSON.parse(readFileSync(join(folder, "alpha", "server.json"), "utf8"));
    expect(kept).toMatchObject({ name: "alpha", listen: "127.0.0.1:0", peers: ["10.0.0.2:7300"] });
  });

  test("[R44] asks who may make an account if others can reach it", async () => {
    const folder = scratch();
    const typist = new Typist(["serve", "--name", "a", "--listen", "0.0.0.0:0"], folder);
    await typist.sees("can be reached from other machines");
    await typist.sees("Sign-up [invitation]: ");
    typist.types("maybe\r");
    await typist.sees("expected one of open, invitation, closed");
    typist.types("closed\r");
    await typist.sees("server a is ready");
    const kept = JSON.parse(readFileSync(join(folder, "a", "server.json"), "utf8"));
    const { result } = await rpc(kept.running.localUrl, "server.hello");
    expect(result?.signUp).toBe("closed");
    expect(await typist.leaves()).toBe(0);
    expect(kept.signUp).toBe("closed");
  });

  test("asks nothing when flags say enough", async () => {
    const typist = new Typist(["serve", "--name", "a", "--listen", "127.0.0.1:0"], scratch());
    await typist.sees("server a is ready");
    expect(typist.screen).not.toContain("Another server");
    expect(await typist.leaves()).toBe(0);
  });

  test("Ctrl+C and Ctrl+D at a question leave with nothing made", async () => {
    for (const key of ["\x03", "\x04"]) {
      const folder = scratch();
      const typist = new Typist(["serve"], folder);
      await typist.sees("Name of this server [");
      typist.types(key);
      expect(await typist.process.exited).not.toBe(0);
      expect(readdirSync(folder)).toEqual([]);
    }
  });
});

describe("without a terminal", () => {
  test("no name: refused instead of asked", async () => {
    // Standard input stays open: a server that asked would wait here for ever.
    const { code, err } = await new HoldfastProcess(["serve"], scratch()).ended();
    expect(code).toBe(EXIT_CODES.usage);
    expect(err).toContain("--name");
  });

  test("[R44] an address that others can reach, without a policy: refused instead of asked", async () => {
    const folder = scratch();
    const { code, err } = await serve(folder, ["--name", "a", "--listen", "0.0.0.0:0"]).ended();
    expect(code).toBe(EXIT_CODES.usage);
    expect(err).toContain("--sign-up");
    expect(existsSync(join(folder, "a"))).toBe(false);
    const told = serve(folder, ["--name", "a", "--listen", "0.0.0.0:0", "--sign-up", "invitation"]);
    await told.ready();
    await told.stop();
    // Remembered: the next start need not say it again.
    await serve(folder, ["--name", "a", "--listen", "0.0.0.0:0"]).ready();
  });
});
