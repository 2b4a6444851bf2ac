import { Box, Button, PasswordInput, Stack, Switch, Text, TextInput, Title } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../../api/client";
import { isLead, useSession } from "../../api/session";
import { Pending, Problem, told, toldProblem } from "../../ui/feedback";
import { Page } from "../../ui/Page";
import { Secret } from "../../ui/Secret";
import { Appearance } from "./Appearance";

function Callbacks() {
  const { t } = useTranslation();
  const found = useQuery({
    queryKey: ["callbackSettings"],
    queryFn: () => unwrap(api.GET("/api/callback-settings")),
  });
  const [url, setUrl] = useState<string | null>(null);
  const save = useMutation({
    mutationFn: (body: {
      default_url?: string | null;
      new_auth_key?: boolean;
      new_signing_secret?: boolean;
    }) =>
      unwrap(
        api.PUT("/api/callback-settings", {
          body: { default_url: found.data?.default_url ?? null, ...body },
        }),
      ),
    onSuccess: () => {
      told(t("console.saved"));
      setUrl(null);
      void found.refetch();
    },
  });
  return (
    <Box className="sy-panel" p="lg" component="section">
      <Title order={2} mb="sm">
        {t("app.nav.callbacks")}
      </Title>
      <Pending query={found}>
        {found.data !== undefined && (
          <Stack gap="sm">
            <TextInput
              label={t("console.defaultCallback")}
              description={t("console.defaultCallbackHint")}
              value={url ?? found.data.default_url ?? ""}
              onChange={(event) => setUrl(event.currentTarget.value)}
            />
            <Problem error={save.error} />
            <Button
              style={{ alignSelf: "start" }}
              disabled={url === null}
              loading={save.isPending}
              onClick={() => save.mutate({ default_url: url === "" ? null : url })}
            >
              {t("console.save")}
            </Button>
            <div>
              <Text size="sm" fw={600}>
                {t("console.authKey")}
              </Text>
              <Text size="xs" c="dimmed" mb={4}>
                {t("console.authKeyHint")}
              </Text>
              <Secret value={found.data.auth_key} />
              <Button
                size="compact-xs"
                mt={6}
                variant="default"
                onClick={() => save.mutate({ new_auth_key: true })}
              >
                {t("console.renew")}
              </Button>
            </div>
            <div>
              <Text size="sm" fw={600}>
                {t("console.signingSecret")}
              </Text>
              <Text size="xs" c="dimmed" mb={4}>
                {t("console.signingSecretHint")}
              </Text>
              <Secret value={found.data.signing_secret} />
              <Button
                size="compact-xs"
                mt={6}
                variant="default"
                onClick={() => save.mutate({ new_signing_secret: true })}
              >
                {t("console.renew")}
              </Button>
            </div>
          </Stack>
        )}
      </Pending>
    </Box>
  );
}

function Results() {
  const { t } = useTranslation();
  const found = useQuery({ queryKey: ["settings"], queryFn: () => unwrap(api.GET("/api/settings")) });
  const save = useMutation({
    mutationFn: (secure: boolean) =>
      unwrap(api.PUT("/api/settings", { body: { secure_result_urls: secure } })),
    onError: toldProblem,
    onSettled: () => void found.refetch(),
  });
  return (
    <Box className="sy-panel" p="lg" component="section">
      <Title order={2} mb="sm">
        {t("console.results")}
      </Title>
      <Pending query={found}>
        {found.data !== undefined && (
          <Switch
            label={t("console.secureResults")}
            description={t("console.secureResultsHint")}
            checked={found.data.secure_result_urls}
            onChange={(event) => save.mutate(event.currentTarget.checked)}
          />
        )}
      </Pending>
    </Box>
  );
}

function Password() {
  const { t } = useTranslation();
  const [given, setGiven] = useState({ old: "", new: "" });
  const save = useMutation({
    mutationFn: () => unwrap(api.PUT("/api/password", { body: given })),
    onSuccess: () => {
      told(t("console.saved"));
      setGiven({ old: "", new: "" });
    },
  });
  return (
    <Box className="sy-panel" p="lg" component="section">
      <Title order={2} mb="sm">
        {t("console.ownPassword")}
      </Title>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <Stack gap="sm" maw={420}>
          <PasswordInput
            label={t("console.oldPassword")}
            autoComplete="current-password"
            value={given.old}
            onChange={(e) => setGiven({ ...given, old: e.currentTarget.value })}
            required
            visibilityToggleButtonProps={{ "aria-label": t("app.showPassword") }}
          />
          <PasswordInput
            label={t("app.newPassword")}
            autoComplete="new-password"
            value={given.new}
            onChange={(e) => setGiven({ ...given, new: e.currentTarget.value })}
            required
            visibilityToggleButtonProps={{ "aria-label": t("app.showPassword") }}
          />
          <Problem error={save.error} />
          <Button type="submit" style={{ alignSelf: "start" }} loading={save.isPending}>
            {t("console.save")}
          </Button>
        </Stack>
      </form>
    </Box>
  );
}

export default function SettingsPage() {
  const { t } = useTranslation();
  const role = useSession((s) => s.info?.member.role);
  return (
    <Page title={t("app.nav.settings")}>
      <Stack maw={860}>
        <Appearance />
        {isLead(role) && (
          <>
            <Callbacks />
            <Results />
          </>
        )}
        <Password />
      </Stack>
    </Page>
  );
}
