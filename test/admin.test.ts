/** Administrators, the operator on the server's own machine, who may sign up, and invitations. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { methods } from "../src/protocol/methods.ts";
import { JumpClock, newId, refusal, type TestClient, TestServer, until } from "./in-process.ts";

let server: TestServer;
const clock = new JumpClock();
beforeAll(async () => {
  server = await TestServer.start({ clock });
});
afterAll(() => server.dispose());
afterEach(() => expect(server.defects).toEqual([]));

const passwordOf = (name: string) => `password of ${name}`;
const open = (name: string, password = passwordOf(name)) =>
  server.connect().call("session.open", { name, password, id: newId() });
const signUp = (name: string, invitation?: string, id = newId()) =>
  server.connect().call("account.create", {
    name,
    password: passwordOf(name),
    id,
    ...(invitation === undefined ? {} : { invitation }),
  });
async function joinAdmin(name: string) {
  const admin = await server.join(name);
  await server.operator("admin.grant", { account: `@${name}`, id: newId() });
  return admin;
}
const invite = (
  client: TestClient,
  params: { uses?: number; expiresInMs?: number },
  id = newId(),
) => client.call("invitation.create", { ...params, id });

test("[R48] only admins and the operator may use what is theirs", async () => {
  const plain = await server.join("plain");
  const admin = await joinAdmin("root");
  const target = { account: "@plain", id: newId() };
  const params: Record<string, object> = {
    "admin.list": {},
    "admin.grant": target,
    "admin.revoke": target,
    "admin.disable": { ...target, disabled: true },
    "admin.password": { ...target, password: "another password" },
    "admin.sessions": { account: "@plain" },
    "admin.endSession": { session: `s_${"A".repeat(43)}`, id: newId() },
    "invitation.create": { id: newId() },
    "invitation.list": {},
    "invitation.revoke": { invitation: `i_${"A".repeat(43)}`, id: newId() },
    "setting.read": {},
    "setting.update": { signUp: "closed", id: newId() },
    "server.status": {},
    "server.digest": {
      range: { table: "account", after: null, upTo: null, rowsMax: 1, keys: false },
    },
  };
  const theirs = Object.keys(methods).filter((name) =>
    /^(admin|invitation|setting)\.|^server\.(status|digest)$/.test(name),
  );
  expect(Object.keys(params).sort()).toEqual(theirs.sort());
  for (const [method, given] of Object.entries(params)) {
    expect((await plain.request(method, given)).error?.data.code, method).toBe("forbidden");
    const nobody = await server.connect().request(method, given);
    expect(nobody.error?.data.code, method).toBe("unauthorized");
  }
  expect((await admin.call("setting.read", {})).signUp).toBe("open");
  expect((await server.operator("setting.read", {})).signUp).toBe("open");
});

test("[R9, R41] a right that was taken away is gone for what waits behind it too", async () => {
  const admin = await joinAdmin("outgoing");
  await server.join("bystander");
  const outcomes = await Promise.allSettled([
    admin.call("admin.revoke", { account: "@outgoing", id: newId() }),
    admin.call("admin.grant", { account: "@bystander", id: newId() }),
    admin.call("admin.password", { account: "@bystander", password: "stolen now", id: newId() }),
    invite(admin, {}),
    admin.call("setting.update", { signUp: "closed", id: newId() }),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", ...Array(4).fill("rejected")]);
  const { accounts } = await server.operator("admin.list", { match: "bystander" });
  expect(accounts[0]?.admin).toBe(false);
  expect(await refusal(open("bystander", "stolen now"))).toBe("bad_credentials");
});

test("[R9, R46] disabling ends sessions and keeps the account out until it is enabled again", async () => {
  const admin = await joinAdmin("warden");
  const user = await server.join("naughty");
  const disable = (disabled: boolean, account = "@naughty") =>
    admin.call("admin.disable", { account, disabled, id: newId() });
  expect(await refusal(disable(true, "@warden"))).toBe("invalid");
  await disable(true);
  await until(() => user.closedWith !== null);
  expect(user.closedWith?.code).toBe(4002);
  expect(await refusal(open("naughty"))).toBe("forbidden");
  expect(await refusal(open("naughty", "wrong password"))).toBe("bad_credentials");
  expect(await refusal(server.resume(user.token))).toBe("session_ended");
  const { accounts } = await admin.call("admin.list", { match: "naughty" });
  expect(accounts).toMatchObject([{ disabled: true, sessions: 0, admin: false }]);
  await disable(false);
  expect(await refusal(server.resume(user.token))).toBe("session_ended");
  expect((await open("naughty")).account.id).toBe(user.id);
});

test("an admin who is disabled is none", async () => {
  const admin = await joinAdmin("fallen");
  await server.operator("admin.disable", { account: "@fallen", disabled: true, id: newId() });
  await until(() => admin.closedWith !== null);
  expect((await server.post("setting.read", {}, admin.token)).status).toBe(401);
});

test("[R5, R46] setting a password ends the sessions; the same id with another password is refused", async () => {
  const admin = await joinAdmin("resetter");
  const user = await server.join("forgetful");
  const id = newId();
  const set = (password: string) =>
    admin.call("admin.password", { account: "@forgetful", password, id });
  await set("set by the admin");
  await until(() => user.closedWith !== null);
  await set("set by the admin");
  expect(await refusal(set("something else"))).toBe("id_reused");
  expect(await refusal(open("forgetful"))).toBe("bad_credentials");
  expect((await open("forgetful", "set by the admin")).account.id).toBe(user.id);
});

test("admins see and end the sessions of others", async () => {
  const admin = await joinAdmin("inspector");
  const user = await server.join("watched");
  const { sessions } = await admin.call("admin.sessions", { account: "@watched" });
  expect(sessions).toHaveLength(1);
  const session = sessions[0]?.id ?? "";
  await admin.call("admin.endSession", { session, id: newId() });
  await until(() => user.closedWith !== null);
  expect((await admin.call("admin.sessions", { account: user.id })).sessions).toEqual([]);
});

test("[R5] what was done is answered again, whatever became of whom it was done to", async () => {
  const admin = await joinAdmin("repeater");
  const user = await server.join("vanishing");
  const grant = { account: user.id, id: newId() };
  await admin.call("admin.grant", grant);
  await user.call("account.delete", { password: passwordOf("vanishing"), id: newId() });
  expect((await admin.call("admin.grant", grant)).receipt.held).toEqual(["a"]);
  expect(await refusal(admin.call("admin.grant", { ...grant, id: newId() }))).toBe("not_found");
  expect(await refusal(admin.call("admin.revoke", grant))).not.toBe("ok");
});

test("[R44] closed: nobody signs up but by the operator", async () => {
  const admin = await joinAdmin("closer");
  await admin.call("setting.update", { signUp: "closed", id: newId() });
  expect((await server.connect().call("server.hello", {})).signUp).toBe("closed");
  expect(await refusal(signUp("latecomer"))).toBe("forbidden");
  const { code } = await invite(admin, {});
  expect(await refusal(signUp("latecomer", code))).toBe("forbidden");
  const made = await server.operator("account.create", {
    name: "made-by-operator",
    password: "long enough",
    id: newId(),
  });
  expect(made.account.name).toBe("made-by-operator");
  await admin.call("setting.update", { signUp: "open", id: newId() });
});

test("[R44, R45] by invitation: a code makes as many accounts as it says", async () => {
  const admin = await joinAdmin("host");
  await admin.call("setting.update", { signUp: "invitation", id: newId() });
  expect(await refusal(signUp("uninvited"))).toBe("forbidden");
  expect(await refusal(signUp("uninvited", "aaaa-bbbb-cccc-dddd"))).toBe("forbidden");
  const { code, invitation } = await invite(admin, { uses: 2 });
  expect(invitation.uses).toBe(2);
  // Four at once for two uses: two get in.
  const outcomes = await Promise.allSettled(
    ["guest-1", "guest-2", "guest-3", "guest-4"].map((name) => signUp(name, code.toUpperCase())),
  );
  const made = outcomes.filter(({ status }) => status === "fulfilled");
  expect(made).toHaveLength(2);
  expect(await refusal(signUp("guest-5", code))).toBe("forbidden");
  const { invitations } = await admin.call("invitation.list", {});
  expect(invitations.map(({ id }) => id)).not.toContain(invitation.id);
  await admin.call("setting.update", { signUp: "open", id: newId() });
});

test("[R5, R45] a guest's repeat is not another use, and an admin's repeat gives the same code", async () => {
  const admin = await joinAdmin("host-2");
  const id = newId();
  const first = await invite(admin, { uses: 1 }, id);
  const second = await invite(admin, { uses: 1 }, id);
  expect(second.code).toBe(first.code);
  expect(second.invitation.id).toBe(first.invitation.id);
  expect(await refusal(invite(admin, { uses: 3 }, id))).toBe("id_reused");
  const guest = newId();
  const made = await signUp("only-guest", first.code, guest);
  expect((await signUp("only-guest", first.code, guest)).account).toEqual(made.account);
  expect(await refusal(signUp("second-guest", first.code))).toBe("forbidden");
});

test("[R9, R45] an invitation ends when it is revoked or its time is over", async () => {
  const admin = await joinAdmin("host-3");
  const revoked = await invite(admin, {});
  await admin.call("invitation.revoke", { invitation: revoked.invitation.id, id: newId() });
  expect(await refusal(signUp("too-late", revoked.code))).toBe("forbidden");
  const short = await invite(admin, { expiresInMs: 60_000 });
  clock.jump(60_001);
  expect(await refusal(signUp("too-late", short.code))).toBe("forbidden");
  const nobody = { invitation: `i_${"A".repeat(43)}`, id: newId() };
  expect(await refusal(admin.call("invitation.revoke", nobody))).toBe("not_found");
});
