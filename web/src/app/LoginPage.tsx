import { Alert, Button, Divider } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../api/client";
import { ForgotForm } from "./ForgotForm";
import { Front } from "./Front";
import { SignInForm } from "./SignInForm";

/** Signing in: by the organisation's identity provider where there is one, or by password. An empty installation is set up first. */
export default function LoginPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { next, error } = useSearch({ from: "/login" });
  const [forgot, setForgot] = useState(false);
  const oidc = useQuery({ queryKey: ["oidc"], queryFn: () => unwrap(api.GET("/api/oidc")) });
  const setup = useQuery({ queryKey: ["setup"], queryFn: () => unwrap(api.GET("/api/setup")) });
  const empty = setup.data?.needs_setup === true;
  useEffect(() => {
    if (empty) void navigate({ to: "/setup", replace: true });
  }, [empty, navigate]);
  if (forgot)
    return (
      <Front title={t("app.forgot")}>
        <ForgotForm onBack={() => setForgot(false)} />
      </Front>
    );
  return (
    <Front title={t("app.signIn")} hint={t("app.signInHint")}>
      {error !== undefined && (
        <Alert color="red" icon={<IconAlertTriangle aria-hidden />} role="alert" mb="md">
          {t(`app.oidc.${error}`)}
        </Alert>
      )}
      {oidc.data?.enabled && (
        <>
          <Button
            component="a"
            fullWidth
            variant="default"
            href={`/api/oidc/login?${new URLSearchParams({ return_to: next ?? "/" })}`}
          >
            {t("app.signInWith", { name: oidc.data.name })}
          </Button>
          <Divider my="md" label={t("app.or")} />
        </>
      )}
      <SignInForm onDone={() => void navigate({ href: next ?? "/" })} />
      <Button variant="subtle" size="compact-sm" px={0} mt="sm" onClick={() => setForgot(true)}>
        {t("app.forgot")}
      </Button>
    </Front>
  );
}
