import { Button, Code, Stack, Text } from "@mantine/core";
import { Link, useRouterState } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Page } from "../ui/Page";
import { Front } from "./Front";

function Nowhere() {
  const { t } = useTranslation();
  const path = useRouterState({ select: (s) => s.location.pathname });
  return (
    <Stack align="flex-start" gap="md">
      <Code style={{ overflowWrap: "anywhere" }}>{path}</Code>
      <Text c="dimmed">{t("app.notFoundHint")}</Text>
      <Button component={Link} to="/">
        {t("app.toHome")}
      </Button>
    </Stack>
  );
}

/** Of an address that is no page at all, for whoever opens it. */
export function NotFound() {
  const { t } = useTranslation();
  return (
    <Front title={t("app.notFound")}>
      <Nowhere />
    </Front>
  );
}

/** A page of the console that the person's role has not. */
export function NotForRole() {
  const { t } = useTranslation();
  return (
    <Page title={t("app.forLeads")}>
      <Stack align="flex-start" gap="md">
        <Text c="dimmed">{t("app.forLeadsHint")}</Text>
        <Button component={Link} to="/">
          {t("app.toHome")}
        </Button>
      </Stack>
    </Page>
  );
}

/** Of an address that is no page, within the console. */
export default function NotFoundHere() {
  const { t } = useTranslation();
  return (
    <Page title={t("app.notFound")}>
      <Nowhere />
    </Page>
  );
}
