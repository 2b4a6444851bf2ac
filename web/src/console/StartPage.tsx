import { Anchor, Box, Button, Code, CopyButton, Group, List, Stack, Text, Title } from "@mantine/core";
import { IconCheck, IconCopy, IconKey } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../api/client";
import { isLead, useSession } from "../api/session";
import { toldProblem } from "../ui/feedback";
import { Page } from "../ui/Page";
import { DemoButton } from "./DemoButton";
import { firstTask, keepFreshKey, useFreshKey } from "./start";

/** How to begin: a demo to look at, the SDK with this very address and a key, and what comes next. */
export default function StartPage() {
  const { t } = useTranslation();
  const lead = isLead(useSession((s) => s.info?.member.role));
  return (
    <Page title={t("app.gettingStarted")}>
      <Stack gap="md" maw={860}>
        {lead && (
          <Box className="sy-panel" p="lg" component="section">
            <Title order={2}>{t("console.start.demo")}</Title>
            <Text size="sm" c="dimmed" mb="sm">
              {t("console.start.demoHint")}
            </Text>
            <DemoButton variant="filled" />
          </Box>
        )}
        <Sdk lead={lead} />
        {lead && (
          <Box className="sy-panel" p="lg" component="section">
            <Title order={2} mb="xs">
              {t("console.start.next")}
            </Title>
            <List spacing={4}>
              <List.Item>
                <Anchor component={Link} to="/console/projects/new">
                  {t("console.start.makeProject")}
                </Anchor>
              </List.Item>
              <List.Item>
                <Anchor component={Link} to="/console/people">
                  {t("console.start.invite")}
                </Anchor>
              </List.Item>
              <List.Item>
                <Anchor component={Link} to="/console/transfers">
                  {t("console.start.import")}
                </Anchor>
              </List.Item>
              <List.Item>
                <Anchor href="/docs">{t("console.start.docs")}</Anchor>
              </List.Item>
            </List>
          </Box>
        )}
      </Stack>
    </Page>
  );
}

function Sdk({ lead }: { lead: boolean }) {
  const { t } = useTranslation();
  const fresh = useFreshKey((state) => state.key);
  const snippet = firstTask(location.origin, fresh ?? "YOUR_LIVE_KEY");
  const make = useMutation({
    mutationFn: () =>
      unwrap(api.POST("/api/keys", { body: { name: t("app.gettingStarted"), mode: "live", scope: "data" } })),
    onSuccess: (made) => keepFreshKey(made.key),
    onError: toldProblem,
  });
  return (
    <Box className="sy-panel" p="lg" component="section">
      <Title order={2}>{t("console.start.sdk")}</Title>
      <Text c="dimmed" size="sm" mb="sm">
        {t(fresh === null ? "console.start.sdkHint" : "console.start.sdkKeyHint")}
      </Text>
      <Code
        block
        dir="ltr"
        className="sy-mono sy-scroll"
        tabIndex={0}
        role="region"
        aria-label={t("console.start.sdk")}
      >
        {snippet}
      </Code>
      <Group mt="sm" gap="xs">
        <CopyButton value={snippet}>
          {({ copied, copy }) => (
            <Button
              variant="default"
              size="xs"
              onClick={copy}
              leftSection={copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />}
            >
              {t(copied ? "app.copied" : "app.copy")}
            </Button>
          )}
        </CopyButton>
        {lead && fresh === null && (
          <Button
            size="xs"
            leftSection={<IconKey size={14} aria-hidden />}
            loading={make.isPending}
            onClick={() => make.mutate()}
          >
            {t("console.start.makeKey")}
          </Button>
        )}
      </Group>
    </Box>
  );
}
