import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Action,
  EMPTY_DOC,
  fromJson,
  putRecords,
  removeRecords,
  setField,
  toJson,
  updateRecords,
} from "./doc";
import { DocumentStore } from "./store";

const record = (id: string, label: string) => ({ id, kind: "box", label, data: { left: 0 }, attributes: {} });
const ids = ["a", "b", "c", "d"];

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.tuple(fc.constantFrom(...ids), fc.string()).map(([id, label]) => putRecords(record(id, label))),
  fc.constantFrom(...ids).map((id) => removeRecords([id])),
  fc
    .tuple(fc.constantFrom(...ids), fc.string())
    .map(([id, label]) => updateRecords([id], (r) => (r.label === label ? r : { ...r, label }))),
  fc.tuple(fc.constantFrom("x", "y"), fc.integer()).map(([key, n]) => setField(key, n)),
);

test("undoing everything and redoing everything lead to the same documents, whatever was done", () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
      const store = new DocumentStore(EMPTY_DOC);
      for (const a of actions) store.apply(a, "change");
      const end = toJson(store.doc);
      while (store.undo());
      expect(store.doc).toBe(EMPTY_DOC);
      while (store.redo());
      expect(toJson(store.doc)).toEqual(end);
    }),
  );
});

test("a gesture is one step and a cancelled one leaves nothing", () => {
  const store = new DocumentStore(EMPTY_DOC);
  store.begin();
  for (let i = 0; i < 5; i++) store.apply(putRecords(record("a", String(i))), "draw");
  store.commit();
  expect(store.doc.records.get("a")?.label).toBe("4");
  store.begin();
  store.apply(removeRecords(["a"]), "remove");
  store.cancel();
  expect(store.doc.records.has("a")).toBe(true);
  expect(store.undo()).toBe(true);
  expect(store.doc).toBe(EMPTY_DOC);
  expect(store.undo()).toBe(false);
});

test("an action that changes nothing leaves no step of history and keeps what can be redone", () => {
  const store = new DocumentStore(EMPTY_DOC);
  store.apply(setField("x", 1), "set");
  store.undo();
  store.apply((doc) => doc, "nothing");
  expect(store.redoLabel).toBe("set");
});

test("what is selected and then removed is selected no more", () => {
  const store = new DocumentStore(EMPTY_DOC);
  store.apply(putRecords(record("a", "cow"), record("b", "cow")), "draw", ["a", "b"]);
  store.apply(removeRecords(["a"]), "remove");
  expect([...store.selection]).toEqual(["b"]);
});

test("a document survives the way into a draft and back", () => {
  const doc = [
    putRecords(record("a", "cow"), record("b", "calf")),
    setField("weather", ["dry", "cold"]),
  ].reduce((now, a) => a(now), EMPTY_DOC);
  expect(fromJson(JSON.parse(JSON.stringify(toJson(doc))))).toEqual(doc);
});

test("letters typed into one field are one step, and another field begins a new one", () => {
  const store = new DocumentStore(EMPTY_DOC);
  for (const text of ["c", "co", "cow"]) store.apply(setField("name", text), "type", undefined, "name");
  store.apply(setField("place", "s"), "type", undefined, "place");
  store.undo();
  expect(store.doc.fields).toEqual({ name: "cow" });
  store.undo();
  expect(store.doc).toBe(EMPTY_DOC);
});
