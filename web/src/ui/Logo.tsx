import { Group, Text } from "@mantine/core";

/** A steelyard: a beam on a pivot, a load and a counterweight. */
export function Logo({ withName = true, size = 26 }: { withName?: boolean; size?: number }) {
  return (
    <Group gap={8} wrap="nowrap">
      <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="7" fill="#1d447f" />
        <path
          d="M5 13h22M10 8v5M10 13l-4 8h8z"
          fill="none"
          stroke="#fff"
          strokeWidth="2"
          strokeLinejoin="round"
        />
        <circle cx="22.5" cy="18.5" r="3.5" fill="#f2b01f" />
        <path d="M22.5 13v3" stroke="#f2b01f" strokeWidth="2" />
      </svg>
      {withName && (
        <Text fw={700} size="lg" lh={1}>
          Steelyard
        </Text>
      )}
    </Group>
  );
}
