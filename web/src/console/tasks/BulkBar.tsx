import { Button, Group, Modal, Stack, TagsInput, Text } from "@mantine/core";
import { IconBan, IconTags, IconTagsOff } from "@tabler/icons-react";
import { useCallback, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../../api/client";
import { sentences } from "../../api/errors";
import { confirmed } from "../../ui/confirm";
import { told, toldProblem } from "../../ui/feedback";
import { BulkByFilter } from "./BulkByFilter";

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
  const [tagging, setTagging] = useState<"add" | "remove" | null>(null);
  const [busy, setBusy] = useState(false);
  const [changing, setChanging] = useState(false);
  const [changed, setChanged] = useState(false);
  const onChanged = useCallback(() => setChanged(true), []);
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
      {(["add", "remove"] as const).map((way) => (
        <Button
          key={way}
          size="compact-sm"
          variant="default"
          leftSection={
            way === "add" ? <IconTags size={14} aria-hidden /> : <IconTagsOff size={14} aria-hidden />
          }
          loading={busy}
          onClick={() => setTagging(way)}
        >
          {t(way === "add" ? "console.addTags" : "console.removeTags")}
        </Button>
      ))}
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
      <Button size="compact-sm" variant="default" onClick={() => setChanging(true)}>
        {t("console.actions")}
      </Button>
      <BulkByFilter
        opened={changing}
        filters={{ task_ids: [...selected] }}
        total={selected.size}
        onClose={() => {
          setChanging(false);
          if (changed) onDone();
          setChanged(false);
        }}
        onDone={onChanged}
      />
      <Modal
        opened={tagging !== null}
        onClose={() => setTagging(null)}
        title={t(tagging === "remove" ? "console.removeTags" : "console.addTags")}
        closeButtonProps={{ "aria-label": t("app.close") }}
      >
        {tagging !== null && (
          <Tags
            way={tagging}
            onChosen={(tags) => {
              setTagging(null);
              const [path, body] = [(id: string) => ({ path: { task_id: id } }), tags];
              void run((id) =>
                tagging === "add"
                  ? unwrap(api.PUT("/v1/task/{task_id}/tags", { params: path(id), body }))
                  : unwrap(api.DELETE("/v1/task/{task_id}/tags", { params: path(id), body })),
              );
            }}
          />
        )}
      </Modal>
    </Group>
  );
}

function Tags({ way, onChosen }: { way: "add" | "remove"; onChosen: (tags: string[]) => void }) {
  const { t } = useTranslation();
  const [tags, setTags] = useState<string[]>([]);
  return (
    <Stack>
      <TagsInput
        label={t("console.column.tags")}
        description={t(way === "add" ? "console.bulk.tag.hint" : "console.bulk.untag.hint")}
        value={tags}
        onChange={setTags}
        maxTags={5}
        data-autofocus
      />
      <Button disabled={tags.length === 0} onClick={() => onChosen(tags)}>
        {t(way === "add" ? "console.addTags" : "console.removeTags")}
      </Button>
    </Stack>
  );
}
