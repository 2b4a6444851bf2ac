import { useNavigate, useSearch } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Front } from "./Front";
import { SignInForm } from "./SignInForm";

export function LoginPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { next } = useSearch({ from: "/login" });
  return (
    <Front title={t("app.signIn")} hint={t("app.signInHint")}>
      <SignInForm onDone={() => void navigate({ href: next ?? "/" })} />
    </Front>
  );
}
