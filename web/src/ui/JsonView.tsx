import { ActionIcon, Box, Code, CopyButton, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

/** JSON as text, never as markup; long values scroll. */
export function JsonView({
  value,
  label,
  maxHeight = 360,
}: {
  value: unknown;
  label: string;
  maxHeight?: number;
}) {
  const { t } = useTranslation();
  const text = JSON.stringify(value, null, 2) ?? "null";
  return (
    <Box pos="relative" dir="ltr">
      <Code
        block
        mah={maxHeight}
        className="sy-mono sy-scroll"
        tabIndex={0}
        role="region"
        aria-label={label}
        style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}
      >
        {text}
      </Code>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <Tooltip label={t(copied ? "app.copied" : "app.copy")}>
            <ActionIcon
              variant="default"
              size="sm"
              onClick={copy}
              aria-label={t("app.copy")}
              style={{ position: "absolute", insetBlockStart: 6, insetInlineEnd: 6 }}
            >
              {copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />}
            </ActionIcon>
          </Tooltip>
        )}
      </CopyButton>
    </Box>
  );
}
