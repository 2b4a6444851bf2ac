import { Box, Button, Group, SimpleGrid, Stack, Text, Textarea, Title } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../../api/client";
import { Pending, Problem, told } from "../../ui/feedback";
import { ago } from "../../ui/format";
import { SafeHtml } from "../../ui/SafeHtml";

/** What contributors read before they begin: Markdown, versioned; everybody who works on it is shown that it changed. */
export function Instructions({ name }: { name: string }) {
  const { t } = useTranslation();
  const path = { name };
  const found = useQuery({
    queryKey: ["instructions", name],
    queryFn: () => unwrap(api.GET("/api/projects/{name}/instructions", { params: { path } })),
  });
  const versions = useQuery({
    queryKey: ["instructionVersions", name],
    queryFn: () => unwrap(api.GET("/api/projects/{name}/instructions/versions", { params: { path } })),
  });
  const [given, setGiven] = useState<string | null>(null);
  const text = given ?? found.data?.markdown ?? "";
  const save = useMutation({
    mutationFn: () =>
      unwrap(api.PUT("/api/projects/{name}/instructions", { params: { path }, body: { markdown: text } })),
    onSuccess: () => {
      told(t("console.saved"));
      setGiven(null);
      void found.refetch();
      void versions.refetch();
    },
  });
  const [settled] = useDebouncedValue(text, 300);
  const changed = given !== null && given !== found.data?.markdown;
  return (
    <Pending query={found}>
      <SimpleGrid cols={{ base: 1, lg: 2 }}>
        <Stack gap="sm">
          <Textarea
            label={t("console.instructions")}
            description={t("console.instructionsHint")}
            value={text}
            dir="auto"
            onChange={(event) => setGiven(event.currentTarget.value)}
            autosize
            minRows={14}
            maxRows={32}
            styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
          />
          <Problem error={save.error} />
          <Group>
            <Button onClick={() => save.mutate()} loading={save.isPending} disabled={!changed}>
              {t("console.saveVersion")}
            </Button>
            {(versions.data?.items.length ?? 0) > 0 && (
              <Text size="sm" c="dimmed">
                {t("console.versionsSoFar", { count: versions.data?.items.length ?? 0 })} ·{" "}
                {ago(versions.data?.items[0]?.created_at)}
              </Text>
            )}
          </Group>
        </Stack>
        <Box className="sy-panel" p="md" component="section">
          <Title order={2} mb="xs">
            {t("console.instructionsShown")}
          </Title>
          {changed && settled === text ? (
            <Text size="sm" style={{ whiteSpace: "pre-wrap" }}>
              {text}
            </Text>
          ) : (
            <SafeHtml html={found.data?.html ?? ""} title={t("console.instructions")} />
          )}
          {changed && (
            <Text size="xs" c="dimmed" mt="sm">
              {t("console.previewAfterSave")}
            </Text>
          )}
        </Box>
      </SimpleGrid>
    </Pending>
  );
}
