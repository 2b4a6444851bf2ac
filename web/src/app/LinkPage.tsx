import { Anchor, Button, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../api/client";
import { setSession } from "../api/session";
import { Pending, Problem } from "../ui/feedback";
import { Front } from "./Front";

/** An invitation or a link for a new password: choose one, and be signed in. */
export default function LinkPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { token } = useParams({ strict: false }) as { token: string };
  const path = { token };
  const found = useQuery({
    queryKey: ["link", token],
    queryFn: () => unwrap(api.GET("/api/links/{token}", { params: { path } })),
    retry: false,
  });
  const [given, setGiven] = useState({ password: "", first_name: "", last_name: "" });
  const use = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST("/api/links/{token}", {
          params: { path },
          body: {
            password: given.password,
            ...(given.first_name === "" ? {} : { first_name: given.first_name }),
            ...(given.last_name === "" ? {} : { last_name: given.last_name }),
          },
        }),
      ),
    onSuccess: async (info) => {
      setSession(info);
      await navigate({ to: "/" });
    },
  });
  const link = found.data;
  const reset = location.pathname.startsWith("/reset/");
  const invited = link === undefined ? !reset : link.purpose !== "reset";
  return (
    <Front title={t(invited ? "app.invited" : "app.resetPassword")}>
      <Pending query={found}>
        {link !== undefined && (
          <form
            onSubmit={(event) => {
              event.preventDefault();
              use.mutate();
            }}
          >
            <Stack gap="sm">
              <Text size="sm">
                {link.email} · {link.account} · {t(`app.role.${link.role}`)}
              </Text>
              {invited && (
                <>
                  <TextInput
                    label={t("app.firstName")}
                    autoComplete="given-name"
                    value={given.first_name}
                    onChange={(e) => setGiven({ ...given, first_name: e.currentTarget.value })}
                  />
                  <TextInput
                    label={t("app.lastName")}
                    autoComplete="family-name"
                    value={given.last_name}
                    onChange={(e) => setGiven({ ...given, last_name: e.currentTarget.value })}
                  />
                </>
              )}
              <PasswordInput
                label={t("app.newPassword")}
                autoComplete="new-password"
                required
                value={given.password}
                onChange={(e) => setGiven({ ...given, password: e.currentTarget.value })}
                visibilityToggleButtonProps={{ "aria-label": t("app.showPassword") }}
              />
              <Problem error={use.error} />
              <Button type="submit" loading={use.isPending}>
                {t(invited ? "app.join" : "app.setPassword")}
              </Button>
            </Stack>
          </form>
        )}
      </Pending>
      {found.error !== null && (
        <Anchor component={Link} to="/login" size="sm">
          {t("app.signIn")}
        </Anchor>
      )}
    </Front>
  );
}
