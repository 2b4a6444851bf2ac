import { Anchor, Box, Button, Code, CopyButton, Group, List, Stack, Text, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { isLead, useSession } from "../api/session";
import { Page } from "../ui/Page";

/** How to send the first tasks: the SDK with this very address, and the demo. */
export default function StartPage() {
  const { t } = useTranslation();
  const role = useSession((s) => s.info?.member.role);
  const snippet = `# pip install scaleapi
import scaleapi
from scaleapi.tasks import TaskType

client = scaleapi.ScaleClient("YOUR_LIVE_KEY", api_instance_url="${location.origin}/v1")

client.create_project("first-project", TaskType.ImageAnnotation, params={
    "geometries": {"box": {"objects_to_annotate": ["cat", "dog"]}},
})
task = client.create_task(
    TaskType.ImageAnnotation,
    project="first-project",
    instruction="Draw a box around every animal.",
    attachment="https://example.com/photo.jpg",
    unique_id="photo-1",
)
print(task.id, task.status)`;
  return (
    <Page title={t("app.gettingStarted")}>
      <Stack gap="lg" maw={860}>
        <Box className="sy-panel" p="lg" component="section">
          <Title order={2}>{t("console.start.sdk")}</Title>
          <Text c="dimmed" size="sm" mb="sm">
            {t("console.start.sdkHint")}
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
          <Group mt="sm">
            <CopyButton value={snippet}>
              {({ copied, copy }) => (
                <Button variant="default" size="xs" onClick={copy}>
                  {t(copied ? "app.copied" : "app.copy")}
                </Button>
              )}
            </CopyButton>
            {isLead(role) && (
              <Button component={Link} to="/console/keys" size="xs">
                {t("console.newKey2")}
              </Button>
            )}
          </Group>
        </Box>
        <Box className="sy-panel" p="lg" component="section">
          <Title order={2}>{t("console.start.demo")}</Title>
          <Text size="sm" c="dimmed" mb="sm">
            {t("console.start.demoHint")}
          </Text>
          <Code block dir="ltr" className="sy-mono">
            {`steelyard demo --address ${location.origin} --key YOUR_LIVE_KEY`}
          </Code>
        </Box>
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
      </Stack>
    </Page>
  );
}
