/** `holdfast admin`, against a real server on the same machine. */
import { afterEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { cleanUp, holdfast, rpc, scratch, serve, signUp } from "./server-process.ts";

afterEach(cleanUp);

async function started(args: readonly string[] = ["--name", "a"]) {
  const folder = scratch();
  const server = serve(folder, args);
  const url = await server.ready();
  const admin = (...words: string[]) => holdfast(folder, ["admin", ...words, "--name", "a"]);
  return { folder, server, url, admin };
}

const adminList = (url: string, token: string) => rpc(url, "admin.list", {}, token);

describe("accounts", () => {
  test("[R48] grant and revoke", async () => {
    const { url, admin } = await started();
    const token = await signUp(url, "bob");
    expect((await adminList(url, token)).error?.data.code).toBe("forbidden");
    expect(await admin("grant", "bob")).toMatchObject({ code: 0, err: "" });
    expect((await adminList(url, token)).error).toBeUndefined();
    expect((await admin("revoke", "@bob")).code).toBe(0);
    expect((await adminList(url, token)).error?.data.code).toBe("forbidden");
  });

  test("disable and enable", async () => {
    const { url, admin } = await started();
    const token = await signUp(url, "bob");
    expect((await admin("disable", "bob")).code).toBe(0);
    expect((await rpc(url, "session.list", {}, token)).error).toBeDefined();
    const open = () =>
      rpc(url, "session.open", { name: "bob", password: "correct horse", id: Bun.randomUUIDv7() });
    expect((await open()).error).toBeDefined();
    expect((await admin("enable", "bob")).code).toBe(0);
    expect((await open()).error).toBeUndefined();
  });

  test("a password from standard input", async () => {
    const { folder, url } = await started();
    const token = await signUp(url, "bob");
    const args = ["admin", "password", "bob", "--data", "a"];
    const set = await holdfast(folder, args, { input: "a new password\n" });
    expect(set.code).toBe(0);
    expect(set.out + set.err).not.toContain("a new password");
    expect((await rpc(url, "session.list", {}, token)).error).toBeDefined();
    const params = { name: "bob", password: "a new password", id: Bun.randomUUIDv7() };
    expect((await rpc(url, "session.open", params)).error).toBeUndefined();
    expect((await holdfast(folder, args, { input: "short\n" })).code).toBe(2);
  });

  test("list, for people and as JSON", async () => {
    const { url, admin } = await started();
    for (const name of ["bob", "anna", "albert"]) await signUp(url, name);
    await admin("grant", "anna");
    const { out } = await admin("list", "a*");
    expect(
      out
        .trim()
        .split("\n")
        .map((line) => line.split(" ")[0]),
    ).toEqual(["albert", "anna"]);
    expect(out).toMatch(/^anna .*admin/m);
    const json = JSON.parse((await admin("list", "--json")).out) as {
      accounts: { name: string }[];
    };
    expect(json.accounts.map(({ name }) => name)).toEqual(["albert", "anna", "bob"]);
  });
});

test("[R44, R45, R48] invitations and the policy of sign-up", async () => {
  const { url, admin } = await started(["--name", "a", "--sign-up", "invitation"]);
  const create = (name: string, invitation?: string) =>
    rpc(url, "account.create", {
      name,
      password: "correct horse",
      id: Bun.randomUUIDv7(),
      ...(invitation === undefined ? {} : { invitation }),
    });
  expect((await create("bob")).error?.data.code).toBe("forbidden");
  const code = (await admin("invitation", "--uses", "1")).out.trim();
  expect((await create("bob", code)).error).toBeUndefined();
  expect((await create("eve", code)).error?.data.code).toBe("forbidden");
  const second = JSON.parse((await admin("invitation", "create", "--json")).out);
  expect((await admin("invitation", "list")).out).toContain(second.invitation.id);
  expect((await admin("invitation", "revoke", second.invitation.id)).code).toBe(0);
  expect((await create("eve", second.code)).error?.data.code).toBe("forbidden");
  expect((await admin("sign-up")).out.trim()).toBe("invitation");
  expect((await admin("sign-up", "open")).code).toBe(0);
  expect((await create("carol")).error).toBeUndefined();
  expect((await admin("sign-up", "maybe")).code).toBe(2);
});

describe("how it ends", () => {
  test("0 done, 1 refused, 2 usage, 3 no server", async () => {
    const { folder, server, admin } = await started();
    const nobody = await admin("grant", "nobody");
    expect([nobody.code, nobody.err]).toEqual([1, expect.stringContaining("not_found")]);
    const json = await admin("grant", "nobody", "--json");
    expect(JSON.parse(json.err).error.data.code).toBe("not_found");
    expect((await admin("frobnicate")).code).toBe(2);
    expect((await holdfast(folder, ["admin", "list", "--data", "elsewhere"])).code).toBe(2);
    await server.stop();
    expect((await admin("list")).code).toBe(3);
  });

  test("it finds the one server around, and asks which if there are several", async () => {
    const { folder } = await started(["--name", "a", "--data", join(".holdfast", "a")]);
    expect((await holdfast(folder, ["admin", "list"])).code).toBe(0);
    await serve(folder, ["--name", "b"]).ready();
    const which = await holdfast(folder, ["admin", "list"]);
    expect([which.code, which.err]).toEqual([2, expect.stringContaining("--data")]);
    expect(
      (await holdfast(folder, ["admin", "list"], { environment: { HOLDFAST_NAME: "b" } })).code,
    ).toBe(0);
  });

  test("[R48] a server on all addresses is administered from its own machine", async () => {
    const args = ["--name", "a", "--listen", "0.0.0.0:0", "--sign-up", "closed"];
    const { admin } = await started(args);
    expect((await admin("list")).code).toBe(0);
  });
});
