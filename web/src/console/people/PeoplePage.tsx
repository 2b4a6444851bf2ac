import { useTranslation } from "react-i18next";
import { TabbedPage } from "../../ui/TabbedPage";
import { Assignments } from "./Assignments";
import { Groups } from "./Groups";
import { Members } from "./Members";

export default function PeoplePage() {
  const { t } = useTranslation();
  return (
    <TabbedPage
      title={t("app.nav.people")}
      tabs={[
        { id: "members", title: t("app.nav.people"), table: <Members /> },
        { id: "assignments", title: t("console.assignments"), table: <Assignments /> },
        { id: "groups", title: t("console.groups"), table: <Groups /> },
      ]}
    />
  );
}
