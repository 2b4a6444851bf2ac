import { Button, Stack, Text, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../api/client";
import { Problem } from "../ui/feedback";

/** Asks for a link by which to choose a new password. The answer is the same whoever has the address. */
export function ForgotForm({ onBack }: { onBack: () => void }) {
  const { t } = useTranslation();
  const [email, setEmail] = useState("");
  const ask = useMutation({
    mutationFn: () => unwrap(api.POST("/api/password/forgot", { body: { email: email.trim() } })),
  });
  if (ask.isSuccess)
    return (
      <Stack gap="sm">
        <Text role="status">{t("app.forgotSent")}</Text>
        <Button variant="default" onClick={onBack}>
          {t("app.back")}
        </Button>
      </Stack>
    );
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        ask.mutate();
      }}
    >
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {t("app.forgotHint")}
        </Text>
        <TextInput
          label={t("app.email")}
          type="email"
          autoComplete="username"
          required
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
        />
        <Problem error={ask.error} />
        <Button type="submit" loading={ask.isPending}>
          {t("app.forgotSend")}
        </Button>
        <Button variant="subtle" onClick={onBack}>
          {t("app.back")}
        </Button>
      </Stack>
    </form>
  );
}
