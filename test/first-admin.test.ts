/** The first administrator: the code that the server prints, what it is good for, and for how long. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import type { MethodName, Params, Result } from "../src/protocol/methods.ts";
import { SqliteView } from "../src/storage/view.ts";
import { JumpClock, newId, refusal, sha256, TestServer } from "./in-process.ts";

let server: TestServer;
let clock: JumpClock;
beforeEach(async () => {
  clock = new JumpClock();
  server = await TestServer.start({ clock, signUp: "closed" });
});
afterEach(async () => {
  expect(server.defects).toEqual([]);
  await server.dispose();
});

function codeNow(): string {
  const code = server.gateway.setupCode;
  if (code === null) throw new Error("there is an administrator");
  return code;
}

const create = (
  name: string,
  invitation: string,
  { id = newId(), password = `password of ${name}`, client = server.connect() } = {},
) => client.call("account.create", { name, password, invitation, id });

const says = async () => (await server.connect().call("server.hello", {})).setup;

function operate<M extends MethodName>(
  method: M,
  params: Omit<Params<M>, "id">,
): Promise<Result<M>> {
  return server.operator(method, { ...params, id: newId() } as Params<M>);
}

/** Names of all accounts, administrators with a `*`. */
async function everybody(): Promise<string[]> {
  const { accounts } = await server.operator("admin.list", {});
  return accounts.map(({ name, admin }) => (admin ? `${name}*` : name));
}

test("[R49] the code makes an administrator, whatever the policy; then it is over", async () => {
  expect(await says()).toBe(true);
  const code = codeNow();
  expect(code).toMatch(/^setup(-[0-9a-v]{5}){4}$/);
  expect(await refusal(server.join("early"))).toBe("forbidden");
  const client = server.connect();
  const { account } = await create("root", ` ${code.toUpperCase()} `, { client });
  expect(account).toMatchObject({ name: "root", admin: true });
  await client.call("setting.update", { signUp: "open", id: newId() });
  expect([await says(), server.gateway.setupCode]).toEqual([undefined, null]);
  expect(await refusal(create("late", code))).toBe("forbidden");
  await server.join("plain");
  expect(await everybody()).toEqual(["plain", "root*"]);
});

test("[R5, R49] a repeat is the same account, when there is an administrator, and after a restart", async () => {
  const [code, id] = [codeNow(), newId()];
  const [first, joined] = await Promise.all([
    create("root", code, { id }),
    create("root", code, { id }),
  ]);
  expect(joined.account).toEqual(first.account);
  expect((await create("root", code, { id })).account).toEqual(first.account);
  await server.restart();
  const again = await create("root", code, { id });
  expect([again.account, again.session]).toEqual([first.account, first.session]);
  expect(await refusal(create("root", code, { id, password: "a wrong one" }))).toBe(
    "bad_credentials",
  );
  const other = `${code.slice(0, -1)}${code.endsWith("0") ? "1" : "0"}`;
  expect(await refusal(create("root", other, { id }))).toBe("id_reused");
  expect(await everybody()).toEqual(["root*"]);
});

test("[R41, R49] of two who hold the code at once one becomes administrator, the other nothing", async () => {
  const code = codeNow();
  const racers = ["ann", "bob", "carol"].map((name) => create(name, code));
  const outcomes = await Promise.allSettled(racers);
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  for (const racer of racers) await racer.catch((error) => expect(error.code).toBe("forbidden"));
  expect(await everybody()).toHaveLength(1);
});

test("[R41, R49] an administrator who is just being made counts", async () => {
  const code = codeNow();
  await operate("setting.update", { signUp: "open" });
  await server.join("bob");
  const [granted, made] = await Promise.allSettled([
    operate("admin.grant", { account: "@bob" }),
    create("root", code),
  ]);
  expect([granted.status, made.status]).toEqual(["fulfilled", "rejected"]);
  expect(await everybody()).toEqual(["bob*"]);
});

test("[R49] when the last administrator is gone a code of before opens nothing, a new one does", async () => {
  const codes = [codeNow()];
  const gone: [string, () => Promise<unknown>][] = [
    ["ann", () => operate("admin.revoke", { account: "@ann" })],
    ["bob", () => operate("admin.disable", { account: "@bob", disabled: true })],
    ["carol", async () => undefined],
  ];
  for (const [name, remove] of gone) {
    const client = server.connect();
    const password = `password of ${name}`;
    await create(name, codes.at(-1) as string, { client });
    expect(server.gateway.setupCode).toBeNull();
    if (name === "carol") await client.call("account.delete", { password, id: newId() });
    await remove();
    expect(await says()).toBe(true);
    codes.push(codeNow());
    for (const code of codes.slice(0, -1)) {
      expect(await refusal(create("mallory", code))).toBe("forbidden");
    }
  }
  expect(new Set(codes).size).toBe(4);
  await operate("admin.disable", { account: "@bob", disabled: false });
  expect(server.gateway.setupCode).toBeNull();
  expect(await refusal(create("mallory", codes.at(-1) as string))).toBe("forbidden");
});

test("[R10.8, R49] who guesses has to wait, and is told from others by the address", async () => {
  const guess = (address: string, code = "setup-00000-00000-00000-00000") =>
    refusal(create("mallory", code, { client: server.connect(address) }));
  for (let i = 0; i < 10; i++) expect(await guess("203.0.113.5")).toBe("forbidden");
  expect(await guess("203.0.113.5")).toBe("rate_limited");
  expect(await guess("203.0.113.5", codeNow())).toBe("rate_limited");
  expect(await guess("203.0.113.6")).toBe("forbidden");
  clock.jump(60_000);
  const late = server.connect("203.0.113.5");
  expect((await create("root", codeNow(), { client: late })).account.admin).toBe(true);
});

test("[R49] no account without the code, and no administrator by an invitation", async () => {
  for (const code of ["setup-", "setup", "", `${codeNow()}x`, codeNow().slice(0, -1), "SETUP-x"]) {
    const params = { name: "mallory", password: "long enough", invitation: code, id: newId() };
    const { error } = await server.connect().request("account.create", params);
    expect([code, ["forbidden", "invalid"].includes(error?.data.code ?? "")]).toEqual([code, true]);
  }
  await operate("setting.update", { signUp: "invitation" });
  const { code } = await operate("invitation.create", {});
  expect((await create("guest", code)).account.admin).toBeUndefined();
  expect(await says()).toBe(true);
});

test("[R4, R49] a view made anew knows the same administrators", async () => {
  await create("root", codeNow());
  await operate("setting.update", { signUp: "open" });
  await server.join("bob");
  await operate("admin.grant", { account: "@bob" });
  await operate("admin.revoke", { account: "@bob" });
  const anew = SqliteView.open({ path: ":memory:", hash: sha256, log: server.store.log }).view;
  while (anew.catchUp());
  expect([...anew.dump()]).toEqual([...server.view.dump()]);
  expect(anew.everAdmins()).toEqual(server.view.everAdmins());
  expect(anew.everAdmins()).toHaveLength(2);
  anew.close();
});
