import { Button, Group, MultiSelect, Select, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../../api/client";
import { projects, teammates } from "../../api/queries";
import { DataTable } from "../../ui/DataTable";
import { Problem, toldProblem } from "../../ui/feedback";
import { number } from "../../ui/format";

/** Groups of a project's contributors, to give batches to. */
export function Groups() {
  const { t } = useTranslation();
  const names = useQuery(projects(false));
  const people = useQuery(teammates());
  const [chosen, setChosen] = useState<string | null>(null);
  const project = chosen ?? names.data?.[0]?.name ?? "";
  const [name, setName] = useState("");
  const [emails, setEmails] = useState<string[]>([]);
  const path = { project };
  const found = useQuery({
    queryKey: ["groups", project],
    queryFn: () => unwrap(api.GET("/v1/studio/projects/{project}/groups", { params: { path } })),
    enabled: project !== "",
  });
  const create = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST("/v1/studio/projects/{project}/groups", {
          params: { path },
          body: { name: name.trim(), emails },
        }),
      ),
    onSuccess: () => {
      setName("");
      setEmails([]);
      void found.refetch();
    },
  });
  const change = useMutation({
    mutationFn: ({ group, now, next }: { group: string; now: string[]; next: string[] }) =>
      unwrap(
        api.PUT("/v1/studio/projects/{project}/groups/{group}", {
          params: { path: { project, group } },
          body: {
            add_emails: next.filter((email) => !now.includes(email)),
            remove_emails: now.filter((email) => !next.includes(email)),
          },
        }),
      ),
    onError: toldProblem,
    onSettled: () => void found.refetch(),
  });
  const addresses = (people.data ?? []).filter((p) => p.role !== "disabled").map((p) => p.email);
  return (
    <Stack gap="sm">
      <Select
        label={t("console.project")}
        data={(names.data ?? []).map((p) => p.name)}
        value={project === "" ? null : project}
        onChange={setChosen}
        searchable
        allowDeselect={false}
        limit={200}
        maw={320}
      />
      {project !== "" && (
        <>
          <Group align="end" gap="xs">
            <TextInput
              label={t("console.newGroup")}
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              maxLength={200}
            />
            <MultiSelect
              label={t("app.nav.people")}
              data={addresses}
              value={emails}
              onChange={setEmails}
              searchable
              limit={200}
              flex={1}
              miw={220}
            />
            <Button
              onClick={() => create.mutate()}
              loading={create.isPending}
              disabled={name.trim() === "" || emails.length === 0}
            >
              {t("console.create")}
            </Button>
          </Group>
          <Problem error={create.error} />
          <DataTable
            label={t("console.groups")}
            query={found}
            rows={found.data ?? []}
            idOf={(row) => row.id}
            empty={t("console.noGroups")}
            emptyHint={t("console.noGroupsHint")}
            columns={[
              {
                title: t("console.group"),
                cell: (row) => (
                  <Text size="sm" fw={500}>
                    {row.name}
                  </Text>
                ),
              },
              { title: t("console.people"), numeric: true, cell: (row) => number(row.numWorkers) },
              {
                title: t("app.nav.people"),
                cell: (row) => {
                  const now = row.workers.map((worker) => worker.email);
                  return (
                    <MultiSelect
                      aria-label={t("console.membersOf", { name: row.name })}
                      data={[...new Set([...addresses, ...now])]}
                      value={now}
                      onChange={(next) => change.mutate({ group: row.name, now, next })}
                      searchable
                      limit={200}
                      size="xs"
                      disabled={row.isSingleton}
                    />
                  );
                },
              },
            ]}
          />
        </>
      )}
    </Stack>
  );
}
