import { Button, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schemas, unwrap } from "../api/client";
import { setSession } from "../api/session";
import { keepFreshKey } from "../console/start";
import { Pending, Problem } from "../ui/feedback";
import { Secret } from "../ui/Secret";
import { Front } from "./Front";

/** First run without an admin: make the account and its admin; the keys are shown once. */
export default function SetupPage() {
  const { t } = useTranslation();
  const found = useQuery({ queryKey: ["setup"], queryFn: () => unwrap(api.GET("/api/setup")) });
  const [done, setDone] = useState<Schemas["SetUpDone"] | null>(null);
  if (done !== null) return <Keys done={done} />;
  return (
    <Front title={t("app.setup")} hint={t("app.setupHint")}>
      <Pending query={found}>
        {found.data?.needs_setup === false ? (
          <Stack>
            <Text>{t("app.setupDone")}</Text>
            <Button component={Link} to="/login">
              {t("app.signIn")}
            </Button>
          </Stack>
        ) : (
          <Form onDone={setDone} />
        )}
      </Pending>
    </Front>
  );
}

function Form({ onDone }: { onDone: (done: Schemas["SetUpDone"]) => void }) {
  const { t } = useTranslation();
  const fromAddress = new URLSearchParams(location.search).get("token") ?? location.hash.slice(1);
  const [given, setGiven] = useState({ token: fromAddress, email: "", password: "", account: "" });
  const make = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST("/api/setup", {
          body: {
            token: given.token.trim(),
            email: given.email.trim(),
            password: given.password,
            ...(given.account.trim() === "" ? {} : { account: given.account.trim() }),
          },
        }),
      ),
    onSuccess: (done) => {
      setSession(done.session);
      keepFreshKey(done.live_key);
      onDone(done);
    },
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        make.mutate();
      }}
    >
      <Stack gap="sm">
        <TextInput
          label={t("app.setupToken")}
          description={t("app.setupTokenHint")}
          required
          value={given.token}
          onChange={(e) => setGiven({ ...given, token: e.currentTarget.value })}
        />
        <TextInput
          label={t("app.account")}
          value={given.account}
          onChange={(e) => setGiven({ ...given, account: e.currentTarget.value })}
        />
        <TextInput
          label={t("app.email")}
          type="email"
          autoComplete="username"
          required
          value={given.email}
          onChange={(e) => setGiven({ ...given, email: e.currentTarget.value })}
        />
        <PasswordInput
          label={t("app.newPassword")}
          autoComplete="new-password"
          required
          value={given.password}
          onChange={(e) => setGiven({ ...given, password: e.currentTarget.value })}
          visibilityToggleButtonProps={{ "aria-label": t("app.showPassword") }}
        />
        <Problem error={make.error} />
        <Button type="submit" loading={make.isPending}>
          {t("app.createAdmin")}
        </Button>
      </Stack>
    </form>
  );
}

function Keys({ done }: { done: Schemas["SetUpDone"] }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  return (
    <Front title={t("app.setupReady")} hint={t("app.keysOnce")}>
      <Stack gap="sm">
        <Text size="sm" fw={600}>
          {t("app.liveKey")}
        </Text>
        <Secret value={done.live_key} />
        <Text size="sm" fw={600}>
          {t("app.testKey")}
        </Text>
        <Secret value={done.test_key} />
        <Button onClick={() => void navigate({ to: "/console/start" })}>{t("app.gettingStarted")}</Button>
      </Stack>
    </Front>
  );
}
