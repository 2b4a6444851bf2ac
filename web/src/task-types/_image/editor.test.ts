import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toJson } from "../../document/doc";
import { mergeRecords } from "../../tools/knives";
import * as op from "./operations";
import { TestEditor } from "./TestEditor";

const PARAMS = {
  geometries: {
    box: { objects_to_annotate: ["boat", "buoy"], min_width: 20, min_height: 10, max_width: 300 },
    polygon: { objects_to_annotate: ["quay"], min_vertices: 3, max_vertices: 8 },
    line: { objects_to_annotate: ["rope"] },
    point: { objects_to_annotate: ["mast"] },
    ellipse: { objects_to_annotate: ["porthole"] },
    cuboid: { objects_to_annotate: ["crate"] },
  },
  links: { tied_to: { is_bidirectional: true, from_allowed_labels: ["rope"], to_allowed_labels: ["boat"] } },
};
const verticesOf = (a: Record<string, unknown> | undefined): { x: number; y: number }[] =>
  (a?.vertices ?? []) as { x: number; y: number }[];
const editor = (extra: Record<string, unknown> = {}) => new TestEditor({ ...PARAMS, ...extra });

describe("drawing", () => {
  test("a box by dragging, and by two clicks", () => {
    const e = editor()
      .tool("box")
      .drag([10, 20], [110, 80])
      .click([200, 200])
      .move([260, 240])
      .click([260, 240]);
    expect(e.answer).toEqual([
      { type: "box", label: "boat", left: 10, top: 20, width: 100, height: 60 },
      { type: "box", label: "boat", left: 200, top: 200, width: 60, height: 40 },
    ]);
  });

  test("a box that is too small is refused with the reason, one that is too wide stops at the limit", () => {
    const e = editor().tool("box").drag([10, 20], [22, 80]);
    expect(e.answer).toEqual([]);
    expect(e.notice).toBe("image.problem.narrow");
    e.drag([10, 20], [500, 80]);
    expect(e.answer).toMatchObject([{ left: 10, width: 300 }]);
  });

  test("shapes stay in the image, or in its padding where there is one", () => {
    expect(editor().tool("box").drag([600, 400], [900, 900]).answer).toMatchObject([
      { left: 600, top: 400, width: 40, height: 80 },
    ]);
    expect(editor({ padding: 50 }).tool("box").drag([600, 400], [900, 900]).answer).toMatchObject([
      { left: 600, top: 400, width: 90, height: 130 },
    ]);
  });

  test("a polygon closes on its first point or by Enter, Backspace takes the last point back", () => {
    const e = editor().tool("polygon").clicks([10, 10], [100, 10], [100, 100], [300, 300]);
    e.key("Backspace").click([12, 12]);
    e.clicks([200, 200], [260, 200], [230, 260]).key("Enter");
    expect(e.answer.map((a) => a.vertices)).toEqual([
      [
        { x: 10, y: 10 },
        { x: 100, y: 10 },
        { x: 100, y: 100 },
      ],
      [
        { x: 200, y: 200 },
        { x: 260, y: 200 },
        { x: 230, y: 260 },
      ],
    ]);
  });

  test("a polygon with too few points does not close, with too many it takes no more", () => {
    const e = editor().tool("polygon").clicks([10, 10], [100, 10]).key("Enter");
    expect(e.notice).toBe("image.problem.fewVertices");
    e.key("Escape");
    for (let i = 0; i < 9; i++) e.click([100 + 50 * i, 100 + (i % 2) * 50]);
    expect(e.notice).toBe("image.problem.manyVertices");
    e.key("Enter");
    expect(verticesOf(e.answer[0]).length).toBe(8);
  });

  test("with Ctrl held a polygon follows its neighbour's border", () => {
    const e = editor().tool("polygon").clicks([100, 100], [200, 100], [200, 200], [100, 200]).key("Enter");
    e.tool("polygon")
      .click([202, 98], { mod: true })
      .click([198, 203], { mod: true })
      .click([300, 150])
      .key("Enter");
    expect(e.answer[1]?.vertices).toEqual([
      { x: 200, y: 100 },
      { x: 200, y: 200 },
      { x: 300, y: 150 },
    ]);
    e.tool("polygon")
      .click([101, 99], { mod: true })
      .click([101, 201], { mod: true })
      .click([20, 150])
      .key("Enter");
    expect(e.answer[2]?.vertices).toEqual([
      { x: 100, y: 100 },
      { x: 100, y: 200 },
      { x: 20, y: 150 },
    ]);
    e.tool("polygon")
      .click([150, 99], { mod: true })
      .click([201, 150], { mod: true })
      .click([400, 20])
      .key("Enter");
    expect(e.answer[3]?.vertices).toEqual([
      { x: 150, y: 100 },
      { x: 200, y: 100 },
      { x: 200, y: 150 },
      { x: 400, y: 20 },
    ]);
  });

  test("a line ends by a double click, a point by one", () => {
    const e = editor().tool("line").clicks([10, 10], [50, 60]).double([90, 20]).tool("point").click([33, 44]);
    expect(e.answer).toEqual([
      {
        type: "line",
        label: "rope",
        vertices: [
          { x: 10, y: 10 },
          { x: 50, y: 60 },
          { x: 90, y: 20 },
        ],
      },
      { type: "point", label: "mast", x: 33, y: 44 },
    ]);
  });

  test("an ellipse and a cuboid by their extent", () => {
    const e = editor()
      .tool("ellipse")
      .drag([100, 100], [200, 160])
      .tool("cuboid")
      .drag([300, 100], [400, 200]);
    expect(e.answer[0]?.vertices).toEqual([
      { x: 150, y: 100 },
      { x: 200, y: 130 },
      { x: 150, y: 160 },
      { x: 100, y: 130 },
    ]);
    expect(verticesOf(e.answer[1]).length).toBe(6);
    expect(e.answer[1]?.edges).toHaveLength(6);
  });

  test("a turned box by one side and the distance of the other", () => {
    const params = { geometries: { box: { objects_to_annotate: ["boat"], can_rotate: true } } };
    const e = new TestEditor(params)
      .tool("rotated-box")
      .click([100, 100])
      .click([200, 200])
      .click([150, 250]);
    const [box] = e.answer;
    expect(box).toMatchObject({
      rotation: expect.closeTo(Math.PI / 4),
      width: expect.closeTo(141.4214, 3),
      height: expect.closeTo(70.7107, 3),
    });
    expect(verticesOf(box)[0]).toEqual({
      x: expect.closeTo(100, 2),
      y: expect.closeTo(100, 2),
    });
  });

  test("Escape leaves no trace of a shape that was begun", () => {
    const e = editor().tool("polygon").clicks([10, 10], [100, 10], [100, 100]).key("Escape");
    expect(e.editor.tool.busy).toBe(false);
    expect(e.records).toEqual([]);
    expect(e.store.undo()).toBe(false);
  });
});

describe("changing", () => {
  const drawn = () => editor().tool("box").drag([100, 100], [200, 160]).tool("select");

  test("dragging moves within the image and is one step of history", () => {
    const e = drawn().drag([150, 130], [160, 140]);
    expect(e.answer).toMatchObject([{ left: 110, top: 110, width: 100, height: 60 }]);
    e.drag([150, 130], [900, 140]);
    expect(e.answer).toMatchObject([{ left: 540, width: 100 }]);
    e.undo().undo();
    expect(e.answer).toMatchObject([{ left: 100, top: 100 }]);
    e.redo();
    expect(e.answer).toMatchObject([{ left: 110, top: 110 }]);
  });

  test("a corner resizes no further than the least size", () => {
    const e = drawn().drag([200, 160], [240, 200]);
    expect(e.answer).toMatchObject([{ left: 100, top: 100, width: 140, height: 100 }]);
    e.drag([240, 200], [102, 101]);
    expect(e.answer).toMatchObject([{ left: 100, top: 100, width: 20, height: 10 }]);
  });

  test("vertices are moved, added at the middle of an edge and by double click, removed by Alt and click", () => {
    const e = editor()
      .tool("polygon")
      .clicks([100, 100], [200, 100], [200, 200], [100, 200])
      .key("Enter")
      .tool("select");
    e.drag([200, 200], [220, 230]).drag([150, 100], [150, 60]);
    expect(e.answer[0]?.vertices).toEqual([
      { x: 100, y: 100 },
      { x: 150, y: 60 },
      { x: 200, y: 100 },
      { x: 220, y: 230 },
      { x: 100, y: 200 },
    ]);
    e.click([150, 60], { alt: true });
    expect(verticesOf(e.answer[0]).length).toBe(4);
    e.double([100, 140]);
    expect(verticesOf(e.answer[0]).length).toBe(5);
  });

  test("a frame selects what lies in it, Shift adds and takes away", () => {
    const e = editor()
      .tool("box")
      .drag([10, 10], [60, 40])
      .drag([100, 10], [160, 40])
      .drag([300, 300], [400, 400])
      .tool("select");
    e.drag([2, 2], [200, 100]);
    expect(e.selected.length).toBe(2);
    e.click([350, 350], { shift: true });
    expect(e.selected.length).toBe(3);
    e.click([350, 350], { shift: true });
    expect(e.selected.length).toBe(2);
    e.drag([30, 20], [40, 30]);
    expect(e.answer).toMatchObject([
      { left: 20, top: 20 },
      { left: 110, top: 20 },
      { left: 300, top: 300 },
    ]);
  });

  test("what is locked or frozen does not move and tells why", () => {
    const e = drawn();
    op.toggleLocked(e.editor, e.selected);
    e.drag([150, 130], [170, 150]);
    expect(e.answer).toMatchObject([{ left: 100 }]);
    expect(e.notice).toBe("image.reason.locked");
    const base = {
      annotations: [{ uuid: "b", type: "box", label: "boat", left: 10, top: 10, width: 50, height: 50 }],
    };
    const f = editor({
      base_annotations: base,
      can_edit_base_annotations: false,
      can_delete_base_annotations: false,
    });
    f.drag([30, 30], [90, 90]);
    expect(f.notice).toBe("image.reason.base");
    f.select("b");
    op.remove(f.editor);
    expect(f.notice).toBe("image.reason.baseStays");
    expect(f.records.length).toBe(1);
  });

  test("polygons are split along a line, cut, and merged again", () => {
    const e = editor().tool("polygon").clicks([100, 100], [200, 100], [200, 200], [100, 200]).key("Enter");
    e.tool("split").clicks([150, 50], [150, 250]).key("Enter");
    expect(e.records.length).toBe(2);
    expect(
      mergeRecords(
        e.editor,
        e.records.map((r) => r.id),
      ),
    ).toBe(null);
    expect(e.answer).toHaveLength(1);
    e.tool("cut").clicks([180, 80], [220, 80], [220, 120], [180, 120]).key("Enter");
    expect(verticesOf(e.answer[0]).length).toBeGreaterThanOrEqual(6);
    e.tool("cut").clicks([130, 130], [150, 130], [150, 150], [130, 150]).key("Enter");
    expect(e.notice).toBe("image.reason.noHoles");
  });

  test("relations go only where the rules allow", () => {
    const e = editor()
      .tool("line")
      .clicks([10, 300], [100, 300])
      .key("Enter")
      .tool("box")
      .drag([200, 200], [300, 300])
      .tool("point")
      .click([500, 50]);
    const [rope, boat, mast] = e.records.map((r) => r.id) as [string, string, string];
    e.select(rope).tool("relate").click([250, 250]);
    expect(e.store.doc.links).toMatchObject([{ label: "tied_to", from: rope, to: boat }]);
    e.editor.relate(rope, mast);
    expect(e.notice).toBe("image.reason.noRelation");
  });

  test("copies are annotations of their own beside the first", () => {
    const e = drawn();
    op.duplicate(e.editor);
    expect(e.answer).toMatchObject([
      { left: 100, top: 100 },
      { left: 116, top: 116 },
    ]);
    op.nudge(e.editor, 10, 0);
    expect(e.answer).toMatchObject([{ left: 100 }, { left: 126 }]);
    op.copy(e.editor);
    op.paste(e.editor);
    expect(e.records.length).toBe(3);
    expect(new Set(e.records.map((r) => r.id)).size).toBe(3);
  });

  test("a group is selected as one until it is dissolved", () => {
    const e = editor().tool("box").drag([10, 10], [60, 40]).drag([100, 10], [160, 40]).tool("select");
    op.selectAll(e.editor);
    op.group(e.editor);
    e.click([600, 400]).click([30, 20]);
    expect(e.selected.length).toBe(2);
    op.ungroup(e.editor);
    e.click([600, 400]).click([30, 20]);
    expect(e.selected.length).toBe(1);
  });

  test("walking through the list goes on where something was removed, rejected or left the list", () => {
    const annotations = [0, 1, 2, 3, 4].map((i) => ({
      type: "box",
      label: "car",
      left: 50 * i,
      top: 0,
      width: 40,
      height: 40,
    }));
    const { editor } = new TestEditor({ ...PARAMS, hypothesis: { annotations } });
    const all = [...editor.doc.records.keys()];
    editor.listed = all;
    const at = () => all.indexOf([...editor.selection][0] ?? "");
    const walk = (by: 1 | -1, list = all) => {
      op.step(editor, by, list);
      return at();
    };
    expect([walk(1), walk(1)]).toEqual([0, 1]);
    op.reject(editor, editor.selection);
    expect(walk(1)).toBe(2);
    op.remove(editor);
    expect(walk(-1)).toBe(0);
    editor.select([all[3] ?? ""]);
    // the list shows proposals only, and this one is none any more
    op.accept(editor, editor.selection);
    expect(walk(1, [all[0] ?? "", all[4] ?? ""])).toBe(4);
    // with nothing after it, from the beginning
    op.remove(editor);
    expect(walk(1)).toBe(0);
  });

  test("pre-labels are proposed until they are accepted, changed or rejected", () => {
    const hypothesis = {
      annotations: [0, 100, 200].map((left) => ({
        type: "box",
        label: "boat",
        left,
        top: 10,
        width: 50,
        height: 50,
      })),
    };
    const e = editor({ hypothesis });
    expect(op.proposals(e.editor).length).toBe(3);
    e.drag([20, 30], [20, 60]);
    expect(op.proposals(e.editor).length).toBe(2);
    e.select(...op.proposals(e.editor).slice(0, 1));
    op.reject(e.editor, e.selected);
    op.accept(e.editor, op.proposals(e.editor));
    expect(op.proposals(e.editor)).toEqual([]);
    expect(e.records.length).toBe(2);
  });
});

test("a drag changes the document once, at its end; undone in the middle it leaves nothing", () => {
  const e = editor().tool("box").drag([100, 100], [200, 200]).tool("select");
  const before = e.store.doc;
  e.down([150, 150]).move([180, 170]).move([250, 190]);
  expect(e.store.doc).toBe(before);
  expect(e.editor.only()?.data).toMatchObject({ left: 200, top: 140 });
  e.undo();
  e.move([300, 300]).up();
  expect(e.store.doc).toBe(before);
  e.down([150, 150]).move([250, 190]);
  // a submission in the middle of it takes what is seen
  e.store.commit();
  expect(e.answer[0]).toMatchObject({ left: 200, top: 140 });
  e.up();
  e.undo();
  expect(e.store.doc).toBe(before);
});

test("whatever is done by pointer, undoing all of it and doing it again leads to the same documents", () => {
  const place = fc.tuple(fc.integer({ min: -20, max: 660 }), fc.integer({ min: -20, max: 500 }));
  const verb = fc.oneof(
    fc.tuple(
      fc.constant("drag" as const),
      fc.constantFrom("box" as const, "ellipse" as const, "cuboid" as const, "select" as const),
      place,
      place,
    ),
    fc.tuple(
      fc.constant("path" as const),
      fc.constantFrom("polygon" as const, "line" as const, "split" as const, "cut" as const),
      fc.array(place, { minLength: 2, maxLength: 6 }),
    ),
    fc.tuple(
      fc.constant("op" as const),
      fc.constantFrom("remove", "duplicate", "nudge", "group", "ungroup", "front", "label", "all"),
    ),
    fc.tuple(fc.constant("history" as const), fc.constantFrom("undo" as const, "redo" as const)),
  );
  fc.assert(
    fc.property(fc.array(verb, { maxLength: 25 }), (verbs) => {
      const e = editor();
      for (const v of verbs) {
        if (v[0] === "drag") e.tool(v[1]).drag(v[2], v[3]);
        else if (v[0] === "path")
          e.tool(v[1])
            .clicks(...v[2])
            .key("Enter")
            .key("Escape");
        else if (v[0] === "history") v[1] === "undo" ? e.undo() : e.redo();
        else if (v[1] === "remove") op.remove(e.editor);
        else if (v[1] === "duplicate") op.duplicate(e.editor);
        else if (v[1] === "nudge") op.nudge(e.editor, 3, -2);
        else if (v[1] === "group") op.group(e.editor);
        else if (v[1] === "ungroup") op.ungroup(e.editor);
        else if (v[1] === "front") op.arrange(e.editor, "front");
        else if (v[1] === "label") op.relabel(e.editor, "buoy");
        else op.selectAll(e.editor);
      }
      e.tool("select");
      const frame = e.editor.frame();
      for (const record of e.records)
        for (const found of e.editor.index.search({ left: -1e6, top: -1e6, right: 1e6, bottom: 1e6 }))
          if (found.id === record.id) expect(found).toBe(record);
      expect(e.editor.index.search({ left: -1e6, top: -1e6, right: 1e6, bottom: 1e6 }).length).toBe(
        e.records.length,
      );
      for (const a of e.answer)
        for (const p of verticesOf(a)) {
          expect(p.x).toBeGreaterThanOrEqual(frame.left - 0.01);
          expect(p.x).toBeLessThanOrEqual(frame.right + 0.01);
          expect(p.y).toBeGreaterThanOrEqual(frame.top - 0.01);
          expect(p.y).toBeLessThanOrEqual(frame.bottom + 0.01);
        }
      const end = toJson(e.store.doc);
      let steps = 0;
      while (e.store.undo()) steps++;
      for (let i = 0; i < steps; i++) e.store.redo();
      expect(toJson(e.store.doc)).toEqual(end);
    }),
    { numRuns: 60 },
  );
});
