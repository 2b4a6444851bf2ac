/** What is to be mended before the answer can be sent: one line, however much there is, for the editor beneath must keep its place. */

import { Button, Kbd, Text, UnstyledButton } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useKeys } from "../commands/useKeys";
import type { OpenWork } from "./open";

export function Issues({ open }: { readonly open: OpenWork }) {
  const { t } = useTranslation();
  const keys = useKeys()("task.nextIssue", "F8");
  const { issues, issueAt } = open;
  const issue = issues[issueAt];
  if (issue === undefined) return null;
  return (
    <div className="steelyard-issues" role="alert">
      <Text size="sm" fw={700} style={{ flex: "none" }}>
        {t("workbench.issues", { count: issues.length })}
      </Text>
      <UnstyledButton className="steelyard-issue" onClick={() => open.point()}>
        {issue.where !== undefined && (
          <>
            <bdi style={{ fontWeight: 600 }}>{issue.where}</bdi>
            {" – "}
          </>
        )}
        <bdi>{issue.message}</bdi>
      </UnstyledButton>
      {issues.length > 1 && (
        <Button size="compact-sm" variant="default" style={{ flex: "none" }} onClick={() => open.point(1)}>
          {t("command.task.nextIssue")}{" "}
          {keys !== "" && (
            <Kbd ms={6} size="xs">
              {keys}
            </Kbd>
          )}
        </Button>
      )}
    </div>
  );
}
