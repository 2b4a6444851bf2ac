import { Button, Group, Modal, Stack, TagsInput, Text } from "@mantine/core";
import { IconBan, IconTags } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../../api/client";
import { sentences } from "../../api/errors";
import { confirmed } from "../../ui/confirm";
import { told, toldProblem } from "../../ui/feedback";

/** Does something to one task after another, a few at a time; the problems of those that refuse are told together. */
export async function forEach(
  ids: readonly string[],
  act: (id: string) => Promise<unknown>,
): Promise<unknown[]> {
  const queue = [...ids];
  const problems: unknown[] = [];
  const hand = async () => {
    for (let id = queue.shift(); id !== undefined; id = queue.shift())
      await act(id).catch((error: unknown) => problems.push(error));
  };
  await Promise.all([hand(), hand(), hand(), hand()]);
  return problems;
}

export function BulkBar({ selected, onDone }: { selected: ReadonlySet<string>; onDone: () => void }) {
  const { t } = useTranslation();
  const [tagging, setTagging] = useState(false);
  const [tags, setTags] = useState<string[]>([]);
  const [busy, setBusy] = useState(false);
  if (selected.size === 0) return null;

  async function run(act: (id: string) => Promise<unknown>) {
    setBusy(true);
    const problems = await forEach([...selected], act);
    setBusy(false);
    const done = selected.size - problems.length;
    if (done > 0) told(t("console.bulkDone", { count: done }));
    if (problems.length > 0) {
      const [why] = sentences(problems[0], t("app.offline"));
      toldProblem(new Error(`${t("console.bulkRefused", { count: problems.length })} ${why ?? ""}`));
    }
    onDone();
  }
  async function cancel() {
    const title = t("console.cancelTasks", { count: selected.size });
    const question = { title, text: t("console.cancelTasksHint"), confirm: title, danger: true };
    if (await confirmed(question))
      await run((id) => unwrap(api.POST("/v1/task/{task_id}/cancel", { params: { path: { task_id: id } } })));
  }
  return (
    <Group gap="xs" mb="sm" className="sy-panel" px="sm" py={6} role="region" aria-label={t("console.bulk")}>
      <Text size="sm" fw={600} aria-live="polite">
        {t("console.selected", { count: selected.size })}
      </Text>
      <Button
        size="compact-sm"
        variant="default"
        leftSection={<IconTags size={14} aria-hidden />}
        loading={busy}
        onClick={() => setTagging(true)}
      >
        {t("console.addTags")}
      </Button>
      <Button
        size="compact-sm"
        variant="default"
        color="red"
        leftSection={<IconBan size={14} aria-hidden />}
        loading={busy}
        onClick={() => void cancel()}
      >
        {t("console.cancel")}
      </Button>
      <Modal opened={tagging} onClose={() => setTagging(false)} title={t("console.addTags")}>
        <Stack>
          <TagsInput label={t("console.column.tags")} value={tags} onChange={setTags} data-autofocus />
          <Button
            disabled={tags.length === 0}
            onClick={() => {
              setTagging(false);
              void run((id) =>
                unwrap(api.PUT("/v1/task/{task_id}/tags", { params: { path: { task_id: id } }, body: tags })),
              );
            }}
          >
            {t("console.addTags")}
          </Button>
        </Stack>
      </Modal>
    </Group>
  );
}
