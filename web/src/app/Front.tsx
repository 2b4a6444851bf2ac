import { Box, Center, Group, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { Logo } from "../ui/Logo";
import { PreferencesMenu } from "../ui/Preferences";
import { useTitle } from "../ui/title";

/** A page before signing in: one card in the middle. */
export function Front({ title, hint, children }: { title: string; hint?: string; children: ReactNode }) {
  useTitle(title);
  return (
    <Box component="main" id="main" mih="100dvh">
      <Group justify="space-between" p="md">
        <Logo />
        <PreferencesMenu />
      </Group>
      <Center px="md" pt="6vh" pb="xl">
        <Box className="sy-panel" p="xl" w="100%" maw={420}>
          <Stack gap="xs" mb="md">
            <Title order={1}>{title}</Title>
            {hint !== undefined && <Text c="dimmed">{hint}</Text>}
          </Stack>
          {children}
        </Box>
      </Center>
    </Box>
  );
}
