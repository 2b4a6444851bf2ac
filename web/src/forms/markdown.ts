/** Customers' Markdown as a page for a frame that runs no scripts; HTML in it is shown as text, pictures from elsewhere are not loaded. */

import MarkdownIt from "markdown-it";

const markdown = new MarkdownIt({ html: false, linkify: true, breaks: true });
markdown.renderer.rules.image = (tokens, i) => {
  const token = tokens[i];
  return `<span>[${markdown.utils.escapeHtml(token?.content ?? "")}: ${markdown.utils.escapeHtml(String(token?.attrGet("src") ?? ""))}]</span>`;
};

export function markdownPage(text: string, dark: boolean): string {
  return framedPage(markdown.render(text), dark);
}

/** HTML that is harmless already as a whole page in the colours of ours. */
export function framedPage(html: string, dark: boolean): string {
  const [ink, paper, line, link] = dark
    ? ["#dfe4ea", "#242a31", "#47515c", "#8cc4f5"]
    : ["#1d2733", "#ffffff", "#ccd3da", "#0b5d9e"];
  return `<!doctype html><meta charset="utf-8"><style>
body{font:16px/1.6 system-ui,sans-serif;color:${ink};background:${paper};margin:14px;overflow-wrap:anywhere}
table{border-collapse:collapse}td,th{border:1px solid ${line};padding:4px 8px}pre{white-space:pre-wrap}
a{color:${link}}blockquote{border-inline-start:3px solid ${line};margin-inline-start:0;padding-inline-start:12px}
h1{font-size:1.35em}h2{font-size:1.2em}h3{font-size:1.05em}</style><body dir="auto">${html}`;
}
