import { useDark } from "./useDark";

/** HTML that the server has sanitised, in a frame that may do nothing: no scripts, no forms, none of our origin's rights. */
export function SafeHtml({ html, title, height = 420 }: { html: string; title: string; height?: number }) {
  const dark = useDark();
  const [ink, paper, line] = dark ? ["#d8dee6", "#181e26", "#3b4553"] : ["#181d24", "#ffffff", "#d2d9e2"];
  const page = `<!doctype html><meta charset="utf-8"><style>
body{font:15px/1.55 system-ui,sans-serif;color:${ink};background:${paper};margin:0;overflow-wrap:anywhere}
img{max-width:100%;height:auto}table{border-collapse:collapse}td,th{border:1px solid ${line};padding:4px 8px}
pre{white-space:pre-wrap}h1{font-size:1.4em}h2{font-size:1.2em}</style>${html}`;
  return (
    <iframe
      key={String(dark)}
      title={title}
      sandbox=""
      srcDoc={page}
      style={{ border: 0, width: "100%", height }}
    />
  );
}
