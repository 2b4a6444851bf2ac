import { TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { TabbedPage } from "../../ui/TabbedPage";
import { ProjectSelect } from "../ProjectSelect";
import { Escalated } from "./Escalated";
import { Holders } from "./Holders";

/** Who works on what now, and what several people have skipped. */
export default function WorkInHandPage() {
  const { t } = useTranslation();
  const [project, setProject] = useState<string | null>(null);
  const [words, setWords] = useState("");
  const [member] = useDebouncedValue(words.trim(), 400);
  return (
    <TabbedPage
      title={t("app.nav.inHand")}
      filters={
        <>
          <ProjectSelect value={project} onChange={setProject} />
          <TextInput
            aria-label={t("app.email")}
            placeholder={t("app.email")}
            value={words}
            onChange={(event) => setWords(event.currentTarget.value)}
            size="xs"
            w={240}
          />
        </>
      }
      tabs={[
        {
          id: "held",
          title: t("console.held"),
          table: <Holders project={project} member={member} />,
        },
        { id: "escalated", title: t("console.escalated"), table: <Escalated project={project} /> },
      ]}
    />
  );
}
