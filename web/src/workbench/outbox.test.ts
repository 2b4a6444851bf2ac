import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Offline, Refused } from "./calls";
import type { LocalDraft } from "./local";
import { Outbox, type OutboxGiven } from "./outbox";

/** A server that keeps drafts as ours does, and can be made to fail. */
class Server {
  revision = 0;
  body: unknown = null;
  fault: "none" | "offline" | "ack-lost" | "signed-out" | "lease-lost" = "none";
  saveDraft = async (_token: string, base: number, body: unknown) => {
    if (this.fault === "offline") throw new Offline("down");
    if (this.fault === "signed-out") throw new Refused(401, "unauthorized", "Sign in first.", {});
    if (this.fault === "lease-lost") throw new Refused(409, "lease-lost", "The lease has ended.", {});
    if (base !== this.revision)
      throw new Refused(409, "stale-draft", "saved elsewhere", {
        draft: { revision: this.revision, body: this.body },
      });
    this.revision += 1;
    this.body = structuredClone(body);
    if (this.fault === "ack-lost") throw new Offline("cut");
    return { revision: this.revision, lease_expires_at: "2030-01-01T00:00:00.000Z" };
  };
}

let server: Server;
let local: Map<string, LocalDraft>;
let doc: { text: string };

function outbox(more: Partial<OutboxGiven> = {}): Outbox {
  return new Outbox({
    calls: server,
    local: {
      put: async (draft) => void local.set(draft.key, structuredClone(draft)),
      remove: async (key) => void local.delete(key),
    },
    key: "me/t1/0",
    taskId: "t1",
    token: () => "1-secret",
    body: () => ({ ...doc }),
    activeSeconds: () => 7,
    baseRevision: 0,
    onLease: () => undefined,
    onLeaseLost: () => undefined,
    onState: () => undefined,
    ...more,
  });
}

beforeEach(() => {
  vi.useFakeTimers();
  server = new Server();
  local = new Map();
  doc = { text: "" };
});
afterEach(() => vi.useRealTimers());

const edit = (box: Outbox, text: string) => {
  doc.text = text;
  box.changed();
};

test("a change is on the device within a moment and at the server soon after", async () => {
  const box = outbox();
  edit(box, "a");
  expect(box.state).toBe("saving");
  await vi.advanceTimersByTimeAsync(200);
  expect(local.get("me/t1/0")).toMatchObject({ body: { text: "a" }, unsaved: true });
  await vi.advanceTimersByTimeAsync(1000);
  expect(server.body).toEqual({ text: "a" });
  expect(box.state).toBe("saved");
  expect(local.get("me/t1/0")).toMatchObject({ baseRevision: 1, unsaved: false });
});

test("many changes travel together and the last one wins", async () => {
  const box = outbox();
  for (let i = 0; i < 50; i++) edit(box, String(i));
  await vi.advanceTimersByTimeAsync(3000);
  expect(server.body).toEqual({ text: "49" });
  expect(server.revision).toBeLessThan(4);
});

test("half an hour without a network loses nothing and everything is sent once it is back", async () => {
  const box = outbox();
  server.fault = "offline";
  for (let minute = 0; minute < 30; minute++) {
    edit(box, `minute ${minute}`);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(box.state).toBe("local");
    expect(local.get("me/t1/0")?.body).toEqual({ text: `minute ${minute}` });
  }
  server.fault = "none";
  box.retry();
  await vi.advanceTimersByTimeAsync(10);
  expect(server.body).toEqual({ text: "minute 29" });
  expect(box.state).toBe("saved");
});

test("a lost acknowledgement is no conflict", async () => {
  const box = outbox();
  server.fault = "ack-lost";
  edit(box, "a");
  await vi.advanceTimersByTimeAsync(1000);
  expect(box.state).toBe("local");
  server.fault = "none";
  await vi.advanceTimersByTimeAsync(5000);
  expect(box.state).toBe("saved");
  expect(box.revision).toBe(1);
});

test("an ended session keeps the work here and goes on after signing in", async () => {
  const box = outbox();
  server.fault = "signed-out";
  edit(box, "a");
  await vi.advanceTimersByTimeAsync(1000);
  expect(box.state).toBe("signed-out");
  server.fault = "none";
  box.retry();
  await vi.advanceTimersByTimeAsync(10);
  expect(box.state).toBe("saved");
});

test("a draft saved elsewhere is shown beside mine, and mine goes on as the next revision", async () => {
  const box = outbox();
  server.revision = 3;
  server.body = { text: "theirs" };
  edit(box, "mine");
  await vi.advanceTimersByTimeAsync(1000);
  expect(box.state).toBe("conflict");
  expect(box.conflict).toEqual({ mine: { text: "mine" }, theirs: { text: "theirs" }, revision: 3 });
  edit(box, "mine, too");
  await vi.advanceTimersByTimeAsync(5000);
  expect(server.body).toEqual({ text: "theirs" });
  expect(local.get("me/t1/0")?.body).toEqual({ text: "mine, too" });
  box.settle("mine");
  await vi.advanceTimersByTimeAsync(1000);
  expect(server).toMatchObject({ revision: 4, body: { text: "mine, too" } });
});

test("of two versions the other one may be taken", async () => {
  const box = outbox();
  server.revision = 3;
  server.body = { text: "theirs" };
  edit(box, "mine");
  await vi.advanceTimersByTimeAsync(1000);
  expect(box.settle("theirs")).toEqual({ text: "theirs" });
  expect(box.state).toBe("saved");
  expect(box.revision).toBe(3);
});

test("a lost lease is told once and the work is kept here", async () => {
  const onLeaseLost = vi.fn();
  const box = outbox({ onLeaseLost });
  server.fault = "lease-lost";
  edit(box, "a");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(onLeaseLost).toHaveBeenCalledTimes(1);
  expect(local.get("me/t1/0")).toMatchObject({ body: { text: "a" }, unsaved: true });
  server.fault = "none";
  box.reclaimed(0, null);
  await vi.advanceTimersByTimeAsync(10);
  expect(server.body).toEqual({ text: "a" });
});

test("a device that stores nothing is told to the person, and the server still gets the work", async () => {
  const box = outbox({
    local: { put: () => Promise.reject(new Error("full")), remove: () => Promise.resolve() },
  });
  server.fault = "offline";
  edit(box, "a");
  await vi.advanceTimersByTimeAsync(160);
  expect(box.state).toBe("page-only");
  server.fault = "none";
  await vi.advanceTimersByTimeAsync(60_000);
  expect(server.body).toEqual({ text: "a" });
  expect(box.state).toBe("saved");
});

test("a flush sends at once, and a closed outbox sends nothing more", async () => {
  const box = outbox();
  edit(box, "a");
  await box.flush();
  expect(server.body).toEqual({ text: "a" });
  edit(box, "b");
  await box.close(true);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(server.body).toEqual({ text: "a" });
  expect(local.size).toBe(0);
});
