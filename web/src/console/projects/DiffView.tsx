import { Box, Text } from "@mantine/core";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { diffLines, folded } from "./diff";

const LOOK = {
  gone: { sign: "−", background: "light-dark(#fde8e7, #46201f)" },
  new: { sign: "+", background: "light-dark(#e3f6ea, #17392a)" },
  same: { sign: " ", background: "transparent" },
} as const;

/** What changed between two JSON values, line by line; signs say it besides the colors. */
export function DiffView({ before, after }: { before: unknown; after: unknown }) {
  const { t } = useTranslation();
  const lines = useMemo(() => folded(diffLines(before, after)), [before, after]);
  if (lines.every((line) => line === null))
    return (
      <Text size="sm" c="dimmed">
        {t("console.noDifference")}
      </Text>
    );
  return (
    <Box
      className="sy-mono sy-scroll"
      mah={320}
      dir="ltr"
      tabIndex={0}
      role="region"
      aria-label={t("console.difference")}
    >
      {lines.map((line, at) => (
        <Box
          // biome-ignore lint/suspicious/noArrayIndexKey: lines have no name but their place
          key={at}
          px="xs"
          style={{ whiteSpace: "pre-wrap", background: LOOK[line?.kind ?? "same"].background }}
        >
          {line === null ? "⋯" : `${LOOK[line.kind].sign} ${line.text}`}
        </Box>
      ))}
    </Box>
  );
}
