import { Box, Group, Title } from "@mantine/core";
import { type ReactNode, useEffect, useRef } from "react";
import { useTitle } from "./title";

let pagesShown = 0;

interface PageProps {
  readonly title: string;
  readonly above?: ReactNode;
  readonly actions?: ReactNode;
  /** The page fills the window and scrolls inside itself (tables). */
  readonly full?: boolean;
  readonly children: ReactNode;
}

/** A page: its heading takes the focus when somebody comes from another page, so that screen readers and keys begin there. */
export function Page({ title, above, actions, full = false, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (pagesShown++ > 0) heading.current?.focus({ preventScroll: true });
  }, []);
  useTitle(title);
  const fills = full
    ? { h: "calc(100dvh - var(--sy-top))", style: { display: "flex", flexDirection: "column" as const } }
    : { maw: 1280 };
  return (
    <Box px="lg" py="md" {...fills}>
      {above}
      <Group justify="space-between" mb="md" wrap="wrap" gap="sm">
        <Title
          order={1}
          ref={heading}
          tabIndex={-1}
          className="sy-title"
          style={{ overflowWrap: "anywhere" }}
        >
          {title}
        </Title>
        {actions !== undefined && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Box>
  );
}
