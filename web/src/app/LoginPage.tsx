import { Button, Divider } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../api/client";
import { Front } from "./Front";
import { SignInForm } from "./SignInForm";

/** Signing in: by the organisation's identity provider where there is one, or by password. */
export default function LoginPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { next } = useSearch({ from: "/login" });
  const oidc = useQuery({ queryKey: ["oidc"], queryFn: () => unwrap(api.GET("/api/oidc")) });
  return (
    <Front title={t("app.signIn")} hint={t("app.signInHint")}>
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
    </Front>
  );
}
