// @vitest-environment happy-dom
import { expect, test } from "vitest";
import { sanitized } from "./sanitize";

test("what could run, load or lead away is taken out, the rest stays", () => {
  const html = `<h1 onclick="x()" style="color:red">A <b>b</b></h1><script>x()</script><img src="https://e.example/x.png" onerror="x()" alt="p">
    <a href="javascript:x()">j</a><a href="https://e.example">k</a><svg onload="x()"></svg><form action="/x"><input></form>
    <p style="background:url(https://e.example)">q</p><meta http-equiv="refresh" content="0"><iframe srcdoc="x"></iframe>
    <style>b { color: red }</style><style>@import "https://e.example/s.css";</style><style>i { background: url(//e.example) }</style>`;
  const clean = sanitized(html);
  expect(clean).not.toMatch(
    /script|onerror|onclick|onload|javascript:|x\.png|<svg|<form|url\(|@import|<meta|<iframe/i,
  );
  expect(clean).toContain("<b>b</b>");
  expect(clean).toContain("<style>b { color: red }</style>");
  expect(clean).toContain('style="color:red"');
  expect(clean).toContain('<a href="https://e.example">k</a>');
});
