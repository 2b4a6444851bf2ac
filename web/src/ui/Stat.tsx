import { Box, Text } from "@mantine/core";
import type { ReactNode } from "react";

/** One figure with its name. */
export function Stat({ label, value, hint }: { label: string; value: ReactNode; hint?: string }) {
  return (
    <Box className="sy-panel" px="md" py="sm">
      <Text size="sm" c="dimmed">
        {label}
      </Text>
      <Text fw={650} fz="1.5rem" lh={1.3} style={{ fontVariantNumeric: "tabular-nums" }}>
        {value}
      </Text>
      {hint !== undefined && (
        <Text size="xs" c="dimmed">
          {hint}
        </Text>
      )}
    </Box>
  );
}
