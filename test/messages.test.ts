import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { newId, refusal, TestServer, until } from "./in-process.ts";

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.dispose());

describe("messages", () => {
  test("[R1] a message to a person online arrives at once, and its receipt names the server", async () => {
    const alice = await server.join("alice");
    const bob = await server.join("bob");
    const posted = await alice.call("message.post", { to: "@bob", text: "hi", id: newId() });
    expect(posted.receipt).toEqual({ held: ["a"], of: 1 });
    await until(() => bob.eventsNamed("message.posted").length > 0);
    expect(bob.eventsNamed("conversation.opened")).toHaveLength(1);
    const [event] = bob.eventsNamed("message.posted");
    expect(event?.message).toEqual(posted.message);
    expect(posted.message).toMatchObject({ text: "hi", author: { id: alice.id, name: "alice" } });
  });

  test("[R5] a repeat has one effect and gets the first result; other content is refused", async () => {
    const carol = await server.join("carol");
    const id = newId();
    const request = { to: "@alice", text: "once", id };
    const [first, second] = await Promise.all([
      carol.call("message.post", request),
      carol.call("message.post", request),
    ]);
    const third = await carol.call("message.post", request);
    expect(second).toMatchObject({ message: first.message });
    expect(third).toMatchObject({ message: first.message });
    const { messages } = await carol.call("message.history", { in: "@alice" });
    expect(messages).toHaveLength(1);
    expect(await refusal(carol.call("message.post", { ...request, text: "other" }))).toBe(
      "id_reused",
    );
  });

  test("to nobody there is no such recipient", async () => {
    const dave = await server.join("dave");
    const post = (to: string) => dave.call("message.post", { to, text: "x", id: newId() });
    expect(await refusal(post("@nobody"))).toBe("no_such_recipient");
    expect(await refusal(post("#nowhere"))).toBe("no_such_recipient");
    expect(await refusal(post("nobody"))).toBe("invalid");
  });

  test("the first message goes to the account that resolving gives; later ones to either", async () => {
    const [gina, hank] = [await server.join("gina"), await server.join("hank")];
    const resolved = await gina.call("conversation.resolve", { in: "@hank" });
    expect(resolved.id).toBe(hank.id);
    expect(resolved.conversation.account?.id).toBe(hank.id);
    const post = (to: string, id = newId()) =>
      gina.call("message.post", { to, text: "x", id }).then(({ message }) => message.id);
    const direct = resolved.conversation.id;
    const refused = post(direct);
    expect(await refusal(refused)).toBe("no_such_recipient");
    expect(await refused.catch(String)).toContain("a first message goes to the account");
    const id = newId();
    const first = await post(resolved.id, id);
    expect(await post(direct, id)).toBe(first);
    expect(await post(direct)).not.toBe(first);
  });

  test("[R33] what waited is there after a restart, in order, and is found by search", async () => {
    const erin = await server.join("erin");
    const frank = await server.join("frank");
    const texts = Array.from({ length: 120 }, (_, i) => `waiting number ${i}`);
    await Promise.all(
      texts.map((text) => erin.call("message.post", { to: "@frank", text, id: newId() })),
    );
    await server.restart();
    const again = server.connect();
    await again.call("session.resume", { token: frank.token });
    const { conversations } = await again.call("conversation.list", {});
    expect(conversations[0]).toMatchObject({ name: "@erin", unread: 120 });
    const newest = await again.call("message.history", { in: "@erin" });
    const older = await again.call("message.history", { in: "@erin", before: newest.next ?? "" });
    const oldest = await again.call("message.history", { in: "@erin", before: older.next ?? "" });
    const all = [...oldest.messages, ...older.messages, ...newest.messages];
    expect(all.map((message) => message.text)).toEqual(texts);
    expect(oldest.next).toBeUndefined();
    const found = await again.call("message.search", { text: "number 77" });
    expect(found.messages.map((message) => message.text)).toEqual(["waiting number 77"]);
  });
});
