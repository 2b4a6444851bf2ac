import { Group, Select, Tabs, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { projects } from "../../api/queries";
import { Page } from "../../ui/Page";
import { Escalated } from "./Escalated";
import { Holders } from "./Holders";

/** Who works on what now, and what several people have skipped. */
export default function WorkInHandPage() {
  const { t } = useTranslation();
  const names = useQuery(projects(false));
  const [project, setProject] = useState<string | null>(null);
  const [words, setWords] = useState("");
  const [member] = useDebouncedValue(words.trim(), 400);
  return (
    <Page title={t("app.nav.inHand")}>
      <Tabs defaultValue="held" keepMounted={false}>
        <Tabs.List mb="sm">
          <Tabs.Tab value="held">{t("console.held")}</Tabs.Tab>
          <Tabs.Tab value="escalated">{t("console.escalated")}</Tabs.Tab>
        </Tabs.List>
        <Group gap="xs" mb="sm" role="search" aria-label={t("console.filters")}>
          <Select
            aria-label={t("console.project")}
            placeholder={t("console.project")}
            data={(names.data ?? []).map((p) => p.name)}
            value={project}
            onChange={setProject}
            searchable
            clearable
            limit={200}
            size="xs"
            w={240}
          />
          <TextInput
            aria-label={t("app.email")}
            placeholder={t("app.email")}
            value={words}
            onChange={(event) => setWords(event.currentTarget.value)}
            size="xs"
            w={240}
          />
        </Group>
        <Tabs.Panel value="held">
          <Holders project={project} member={member} />
        </Tabs.Panel>
        <Tabs.Panel value="escalated">
          <Escalated project={project} />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}
