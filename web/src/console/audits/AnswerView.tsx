import { Box, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Facts } from "../../ui/Facts";
import type { Task } from "../tasks/filters";
import { outlines, summary } from "./outline";
import { taskMedia } from "./queue";

const LONGEST = 400;

/** An answer at one look: outlines over the picture, or the fields of a form beside what was asked. */
export function AnswerView({ task }: { task: Task }) {
  const { t } = useTranslation();
  const media = useQuery(taskMedia(task.task_id));
  const image = media.data?.items.find((item) => item.media === "image" && item.width && item.height);
  const drawn = outlines(task.response);
  const { attachment, attachment_type: kind, text } = task.params as Record<string, unknown>;
  const words =
    typeof text === "string" ? text : kind === "text" && typeof attachment === "string" ? attachment : null;
  return (
    <>
      {image !== undefined && (
        <Box
          component="svg"
          role="img"
          aria-label={t("console.pictureOf", { count: drawn.length })}
          viewBox={`0 0 ${image.width} ${image.height}`}
          style={{ width: "100%", height: 180, background: "var(--sy-canvas)", display: "block" }}
        >
          <image href={image.url} width={image.width ?? 0} height={image.height ?? 0} />
          {drawn.map((outline) => (
            <path
              key={outline.path}
              d={outline.path}
              fill={outline.closed ? "rgb(255 196 0 / 18%)" : "none"}
              stroke="#ffc400"
              strokeWidth="2"
              vectorEffect="non-scaling-stroke"
            >
              <title>{outline.label}</title>
            </path>
          ))}
        </Box>
      )}
      {words !== null && (
        <Text size="sm" lineClamp={4} style={{ overflowWrap: "anywhere" }}>
          {words.slice(0, LONGEST)}
        </Text>
      )}
      {drawn.length > 0 ? (
        <Text size="xs" c="dimmed" lineClamp={2}>
          {counted(drawn.map((outline) => outline.label))}
        </Text>
      ) : (
        <Box mah={130} style={{ overflow: "hidden" }}>
          <Facts items={summary(task.response).map(([name, value]) => [name, value.slice(0, LONGEST)])} />
        </Box>
      )}
    </>
  );
}

function counted(labels: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts].map(([label, n]) => (n > 1 ? `${label} × ${n}` : label)).join(", ");
}
