import { Tabs } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Page } from "../../ui/Page";
import { Assignments } from "./Assignments";
import { Groups } from "./Groups";
import { Members } from "./Members";

export default function PeoplePage() {
  const { t } = useTranslation();
  return (
    <Page title={t("app.nav.people")}>
      <Tabs defaultValue="members" keepMounted={false}>
        <Tabs.List mb="sm">
          <Tabs.Tab value="members">{t("app.nav.people")}</Tabs.Tab>
          <Tabs.Tab value="assignments">{t("console.assignments")}</Tabs.Tab>
          <Tabs.Tab value="groups">{t("console.groups")}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="members">
          <Members />
        </Tabs.Panel>
        <Tabs.Panel value="assignments">
          <Assignments />
        </Tabs.Panel>
        <Tabs.Panel value="groups">
          <Groups />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}
