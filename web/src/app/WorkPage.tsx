import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { promptFetch } from "../api/client";
import { useSession } from "../api/session";
import { useTitle } from "../ui/title";
import { workCalls } from "../workbench/calls";
import { WorkbenchPage } from "../workbench/WorkbenchPage";

/** The workbench under /work, with what the address chooses. */
export default function WorkPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const search = useSearch({ from: "/session/work" });
  const member = useSession((s) => s.info?.member.id ?? "");
  const calls = useMemo(
    () => workCalls((path, init) => promptFetch(new Request(new URL(path, location.origin), init))),
    [],
  );
  useTitle(search.project ?? t("app.nav.work"));
  return (
    <WorkbenchPage
      calls={calls}
      member={member}
      filter={{
        ...(search.project === undefined ? {} : { projects: [search.project] }),
        ...(search.type === undefined ? {} : { types: [search.type] }),
        ...(search.task_id === undefined ? {} : { task_id: search.task_id }),
      }}
      onLeave={() => void navigate({ to: "/" })}
    />
  );
}
