import { Button, type ButtonProps } from "@mantine/core";
import { IconPhoto } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../api/client";
import { told, toldProblem } from "../ui/feedback";

/** Adds the demo project, if it is not there yet, and goes to it. */
export function DemoButton(props: ButtonProps) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const client = useQueryClient();
  const add = useMutation({
    mutationFn: () => unwrap(api.POST("/api/demo")),
    onSuccess: async ({ project, made }) => {
      told(t(made ? "console.demoMade" : "console.demoThere"));
      await client.invalidateQueries();
      await navigate({ to: "/console/projects/$name", params: { name: project } });
    },
    onError: toldProblem,
  });
  return (
    <Button
      variant="default"
      leftSection={<IconPhoto size={16} aria-hidden />}
      {...props}
      loading={add.isPending}
      onClick={() => add.mutate()}
    >
      {t("console.addDemo")}
    </Button>
  );
}
