import { Drawer, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useDark } from "../ui/useDark";
import type { Work } from "./calls";

interface Props {
  readonly opened: boolean;
  readonly work: Work;
  readonly onClose: () => void;
}

/** Instructions, sanitised by the server, in a frame without scripts and without our origin's rights. */
export function Instructions({ opened, work, onClose }: Props) {
  const { t } = useTranslation();
  const dark = useDark();
  const { instructions, task } = work;
  const page = instructions === null ? null : framed(instructions.html, dark);
  return (
    <Drawer
      opened={opened}
      onClose={onClose}
      position="left"
      size="lg"
      title={t(
        instructions?.changed === true ? "workbench.instructions.changed" : "workbench.instructions.title",
      )}
      closeButtonProps={{ "aria-label": t("workbench.close") }}
    >
      {page === null ? (
        <Text style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
          {task.instruction ?? t("workbench.instructions.none")}
        </Text>
      ) : (
        <iframe
          title={t("workbench.instructions.title")}
          sandbox=""
          key={String(dark)}
          srcDoc={page}
          style={{ border: 0, width: "100%", height: "calc(100dvh - 90px)" }}
        />
      )}
    </Drawer>
  );
}

function framed(html: string, dark: boolean): string {
  const [ink, paper, line] = dark ? ["#dfe4ea", "#242a31", "#47515c"] : ["#1d2733", "#ffffff", "#ccd3da"];
  return `<!doctype html><meta charset="utf-8"><base target="_blank"><style>
body{font:15px/1.55 system-ui,sans-serif;color:${ink};background:${paper};margin:0;overflow-wrap:anywhere}
img{max-width:100%;height:auto}table{border-collapse:collapse}td,th{border:1px solid ${line};padding:4px 8px}
pre{white-space:pre-wrap}a{color:${dark ? "#8cc4f5" : "#0b5d9e"}}h1{font-size:1.4em}h2{font-size:1.2em}</style>${html}`;
}
