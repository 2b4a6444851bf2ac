import { Button, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { signIn } from "../api/client";
import { Problem } from "../ui/feedback";

/** Address and password; the account's name only when the server asks for it. */
export function SignInForm({ email = "", onDone }: { email?: string; onDone: () => void }) {
  const { t } = useTranslation();
  const [given, setGiven] = useState({ email, password: "", account: "" });
  const entering = useMutation({
    mutationFn: () =>
      signIn({
        email: given.email.trim(),
        password: given.password,
        ...(given.account.trim() === "" ? {} : { account: given.account.trim() }),
      }),
    onSuccess: onDone,
  });
  const [withAccount, setWithAccount] = useState(false);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        entering.mutate();
      }}
    >
      <Stack gap="sm">
        <TextInput
          label={t("app.email")}
          type="email"
          autoComplete="username"
          required
          value={given.email}
          onChange={(event) => setGiven({ ...given, email: event.currentTarget.value })}
          data-autofocus={email === "" || undefined}
        />
        <PasswordInput
          label={t("app.password")}
          autoComplete="current-password"
          required
          value={given.password}
          onChange={(event) => setGiven({ ...given, password: event.currentTarget.value })}
          visibilityToggleButtonProps={{ "aria-label": t("app.showPassword") }}
          data-autofocus={email !== "" || undefined}
        />
        {withAccount ? (
          <TextInput
            label={t("app.account")}
            description={t("app.accountHint")}
            value={given.account}
            onChange={(event) => setGiven({ ...given, account: event.currentTarget.value })}
          />
        ) : (
          <Button
            variant="subtle"
            size="compact-sm"
            px={0}
            onClick={() => setWithAccount(true)}
            style={{ alignSelf: "start" }}
          >
            {t("app.severalAccounts")}
          </Button>
        )}
        <Problem error={entering.error} />
        <Button type="submit" loading={entering.isPending} fullWidth>
          {t("app.signIn")}
        </Button>
      </Stack>
    </form>
  );
}
