import { Anchor, Box, Button, Grid, Group, Select, Stack, Switch, Text, TextInput } from "@mantine/core";
import { IconSparkles } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../../api/client";
import { openapi } from "../../api/queries";
import { Pending, Problem, told } from "../../ui/feedback";
import { Page } from "../../ui/Page";
import { ParamsForm } from "../schema/ParamsForm";
import { type JsonObject, taskTypes } from "../schema/schema";
import { exampleOf } from "./examples";
import { Preview } from "./Preview";

/** A new project of any task type. */
export default function NewProjectPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const client = useQueryClient();
  const document = useQuery(openapi());
  const [name, setName] = useState("");
  const [type, setType] = useState<string>("imageannotation");
  const [params, setParams] = useState<JsonObject>({});
  const [studio, setStudio] = useState(true);
  // Fields that keep their own text begin anew when an example is put in.
  const [filled, setFilled] = useState(0);
  const example = exampleOf(type, t("console.exampleInstruction"));
  const create = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST("/v1/projects", {
          body: { name: name.trim(), type, params, ...(studio ? { studio } : {}) } as never,
        }),
      ),
    onSuccess: async (project) => {
      told(t("console.projectCreated"));
      await client.invalidateQueries({ queryKey: ["projects"] });
      await navigate({ to: "/console/projects/$name", params: { name: project.name } });
    },
  });
  return (
    <Page
      title={t("console.newProject")}
      above={
        <Anchor component={Link} to="/console/projects" size="sm">
          {t("app.nav.projects")}
        </Anchor>
      }
    >
      <Pending query={document}>
        {document.data !== undefined && (
          <form
            onSubmit={(event) => {
              event.preventDefault();
              create.mutate();
            }}
          >
            <Grid gap="lg">
              <Grid.Col span={{ base: 12, lg: 6 }}>
                <Stack gap="md">
                  <Box className="sy-panel" p="md">
                    <Stack gap="sm">
                      <TextInput
                        label={t("console.name")}
                        description={t("console.projectNameHint")}
                        value={name}
                        onChange={(event) => setName(event.currentTarget.value)}
                        maxLength={255}
                        required
                      />
                      <Select
                        label={t("console.column.type")}
                        data={taskTypes(document.data)}
                        value={type}
                        onChange={(value) => {
                          setType(value ?? "imageannotation");
                          setParams({});
                        }}
                        allowDeselect={false}
                        searchable
                        required
                      />
                      <Switch
                        label={t("console.studio")}
                        description={t("console.studioHint")}
                        checked={studio}
                        onChange={(event) => setStudio(event.currentTarget.checked)}
                      />
                    </Stack>
                  </Box>
                  <Box className="sy-panel" p="md">
                    <Group justify="space-between" align="start" wrap="nowrap" mb="sm">
                      <Text size="sm" c="dimmed">
                        {t("console.paramsHint")}
                      </Text>
                      {example !== null && (
                        <Button
                          size="xs"
                          variant="light"
                          style={{ flexShrink: 0 }}
                          leftSection={<IconSparkles size={14} aria-hidden />}
                          onClick={() => {
                            setParams(example);
                            setFilled(filled + 1);
                          }}
                        >
                          {t("console.example")}
                        </Button>
                      )}
                    </Group>
                    <ParamsForm
                      key={`${type} ${filled}`}
                      type={type}
                      document={document.data}
                      value={params}
                      onChange={setParams}
                    />
                  </Box>
                  <Problem error={create.error} />
                  <Group>
                    <Button type="submit" loading={create.isPending} disabled={name.trim() === ""}>
                      {t("console.createProject")}
                    </Button>
                  </Group>
                </Stack>
              </Grid.Col>
              <Grid.Col span={{ base: 12, lg: 6 }}>
                <Preview type={type} params={params} />
              </Grid.Col>
            </Grid>
          </form>
        )}
      </Pending>
    </Page>
  );
}
