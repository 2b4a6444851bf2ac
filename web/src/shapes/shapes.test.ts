import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { shapeOf } from ".";
import { boxFromCorners } from "./box/box";
import { cuboidFromCorners } from "./cuboid/cuboid";
import { ellipseFromCorners } from "./ellipse/ellipse";
import type { Area, Limits, Point } from "./shape";

const FRAME: Area = { left: -20, top: -10, right: 640, bottom: 480 };
const within = fc.record({
  x: fc.integer({ min: 0, max: 620 }),
  y: fc.integer({ min: 0, max: 460 }),
});
const far = fc.record({ x: fc.integer({ min: -900, max: 1500 }), y: fc.integer({ min: -900, max: 1500 }) });
const corners = fc
  .tuple(within, within)
  .filter(([a, b]) => Math.abs(a.x - b.x) >= 30 && Math.abs(a.y - b.y) >= 30);
const path = (least: number) =>
  fc.uniqueArray(within, { minLength: least, maxLength: 7, selector: (p) => `${p.x} ${p.y}` });

const LIMITS: Limits = { min_width: 20, min_height: 10, max_width: 620, max_height: 460 };
const DATA: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  box: corners.map(([a, b]) => boxFromCorners(a, b)),
  ellipse: corners.map(([a, b]) => ellipseFromCorners(a, b)),
  cuboid: corners.map(([a, b]) => cuboidFromCorners(a, b, FRAME)),
  polygon: path(3).map((vertices) => ({ vertices })),
  line: path(2).map((vertices) => ({ vertices })),
  point: within,
};

describe.each(Object.keys(DATA))("%s", (kind) => {
  const shape = shapeOf(kind);
  const given = DATA[kind] ?? fc.constant(null);
  const near = (a: readonly Point[], b: readonly Point[]) =>
    a.length === b.length &&
    a.every((p, i) => Math.hypot(p.x - (b[i]?.x ?? NaN), p.y - (b[i]?.y ?? NaN)) < 1e-6);

  test("moved there and back it is where it was, and its bounds move with it", () => {
    fc.assert(
      fc.property(given, fc.integer({ min: -50, max: 50 }), (data, by) => {
        const moved = shape.moved(data, by, -2 * by);
        expect(near(shape.points(shape.moved(moved, -by, 2 * by)), shape.points(data))).toBe(true);
        expect(shape.bounds(moved).left).toBeCloseTo(shape.bounds(data).left + by, 6);
        expect(shape.bounds(moved).bottom).toBeCloseTo(shape.bounds(data).bottom - 2 * by, 6);
      }),
      { numRuns: 60 },
    );
  });

  test("a handle dragged anywhere leaves it within the frame", () => {
    fc.assert(
      fc.property(given, fc.nat(), far, fc.boolean(), (data, which, to, constrained) => {
        const handles = shape.handles(data, {}).filter((h) => h.role !== "rotate");
        const handle = handles[which % handles.length];
        if (handle === undefined) return;
        const next = shape.dragged(data, handle.id, { to, limits: {}, frame: FRAME, constrained });
        for (const p of shape.points(next)) {
          expect(p.x).toBeGreaterThanOrEqual(FRAME.left - 1e-6);
          expect(p.x).toBeLessThanOrEqual(FRAME.right + 1e-6);
          expect(p.y).toBeGreaterThanOrEqual(FRAME.top - 1e-6);
          expect(p.y).toBeLessThanOrEqual(FRAME.bottom + 1e-6);
        }
      }),
      { numRuns: 120 },
    );
  });

  test("it is hit at each of its points and not far beside it", () => {
    fc.assert(
      fc.property(given, (data) => {
        const b = shape.bounds(data);
        expect(shape.hits(data, { x: b.right + 60, y: b.bottom + 60 }, 3, {})).toBe(false);
        for (const p of shape.points(data)) expect(shape.hits(data, p, 3, {})).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

test("a box dragged by its corner keeps to the least and the greatest size", () => {
  const box = shapeOf("box");
  fc.assert(
    fc.property(
      DATA.box ?? fc.constant(null),
      fc.constantFrom("nw", "n", "ne", "e", "se", "s", "sw", "w"),
      far,
      (data, id, to) => {
        const next = box.dragged(data, id, { to, limits: LIMITS, frame: FRAME });
        expect(box.problems(next, LIMITS)).toEqual([]);
      },
    ),
    { numRuns: 200 },
  );
});
