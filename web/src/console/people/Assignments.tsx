import { Badge, Button, CloseButton, Group, MultiSelect, Stack, Text } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../../api/client";
import { projects, teammates } from "../../api/queries";
import { DataTable } from "../../ui/DataTable";
import { Email } from "../../ui/Email";
import { Problem, toldProblem } from "../../ui/feedback";

/** Who may work on which projects. */
export function Assignments() {
  const { t } = useTranslation();
  const found = useQuery({
    queryKey: ["assignments"],
    queryFn: () => unwrap(api.GET("/v1/studio/assignments")),
  });
  const people = useQuery(teammates());
  const names = useQuery(projects(false));
  const [emails, setEmails] = useState<string[]>([]);
  const [wanted, setWanted] = useState<string[]>([]);
  const rows = useMemo(
    () => Object.entries(found.data ?? {}).sort(([a], [b]) => a.localeCompare(b)),
    [found.data],
  );
  const add = useMutation({
    mutationFn: () => unwrap(api.POST("/v1/studio/assignments/add", { body: { emails, projects: wanted } })),
    onSuccess: () => {
      setEmails([]);
      setWanted([]);
      void found.refetch();
    },
  });
  const remove = useMutation({
    mutationFn: (one: { email: string; project: string }) =>
      unwrap(
        api.POST("/v1/studio/assignments/remove", { body: { emails: [one.email], projects: [one.project] } }),
      ),
    onError: toldProblem,
    onSettled: () => void found.refetch(),
  });
  return (
    <Stack gap="sm">
      <Text size="sm" c="dimmed">
        {t("console.assignmentsHint")}
      </Text>
      <Group align="end" gap="xs">
        <MultiSelect
          label={t("app.nav.people")}
          data={(people.data ?? []).filter((p) => p.role !== "disabled").map((p) => p.email)}
          value={emails}
          onChange={setEmails}
          searchable
          limit={200}
          flex={1}
          miw={220}
        />
        <MultiSelect
          label={t("app.nav.projects")}
          data={(names.data ?? []).map((p) => p.name)}
          value={wanted}
          onChange={setWanted}
          searchable
          limit={200}
          flex={1}
          miw={220}
        />
        <Button
          onClick={() => add.mutate()}
          loading={add.isPending}
          disabled={emails.length === 0 || wanted.length === 0}
        >
          {t("console.assign")}
        </Button>
      </Group>
      <Problem error={add.error} />
      <DataTable
        label={t("console.assignments")}
        query={found}
        rows={rows}
        idOf={([email]) => email}
        empty={t("console.noAssignments")}
        emptyHint={t("console.assignmentsHint")}
        columns={[
          { title: t("app.email"), cell: ([email]) => <Email of={email} /> },
          {
            title: t("app.nav.projects"),
            cell: ([email, assigned]) => (
              <Group gap={6}>
                {assigned.map((project) => (
                  <Badge
                    key={project}
                    variant="light"
                    tt="none"
                    size="lg"
                    radius="sm"
                    rightSection={
                      <CloseButton
                        size="xs"
                        aria-label={t("console.removeItem", { name: `${email}: ${project}` })}
                        onClick={() => remove.mutate({ email, project })}
                      />
                    }
                  >
                    {project}
                  </Badge>
                ))}
              </Group>
            ),
          },
        ]}
      />
    </Stack>
  );
}
