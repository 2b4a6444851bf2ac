import { Button, Center, Code, Group, Stack, Text, Title } from "@mantine/core";
import { Component, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

/** What is shown where a part of the page has failed. Drafts are on the device and on the server, so a reload loses nothing. */
export function Failed({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const { t } = useTranslation();
  return (
    <Center mih="60vh" p="lg">
      <Stack maw={560} gap="sm" role="alert">
        <Title order={1}>{t("app.failed")}</Title>
        <Text>{t("app.failedHint")}</Text>
        <Code block>{error instanceof Error ? error.message : String(error)}</Code>
        <Group>
          <Button onClick={onRetry}>{t("app.tryAgain")}</Button>
          <Button variant="default" onClick={() => location.reload()}>
            {t("app.reload")}
          </Button>
        </Group>
      </Stack>
    </Center>
  );
}

export class ErrorBoundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: null };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    if (this.state.error === null) return this.props.children;
    return <Failed error={this.state.error} onRetry={() => this.setState({ error: null })} />;
  }
}
