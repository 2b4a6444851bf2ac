import { Text } from "@mantine/core";
import type { ReactNode } from "react";

/** Names and values beside each other; values that are missing are left out. */
export function Facts({ items }: { items: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl
      style={{ display: "grid", gridTemplateColumns: "max-content 1fr", gap: "0.35rem 1.25rem", margin: 0 }}
    >
      {items
        .filter(([, value]) => value !== undefined && value !== null && value !== "")
        .map(([name, value]) => (
          <div key={name} style={{ display: "contents" }}>
            <Text component="dt" size="sm" c="dimmed">
              {name}
            </Text>
            <Text component="dd" size="sm" m={0} style={{ overflowWrap: "anywhere" }}>
              {value}
            </Text>
          </div>
        ))}
    </dl>
  );
}
