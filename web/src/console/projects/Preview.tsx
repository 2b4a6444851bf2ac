import { Alert, Box, Text, Title } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Suspense, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { DocumentStore } from "../../document/store";
import { hasEditor, loadTaskType, type MediaView, type WireTask } from "../../task-types/registry";
import { ErrorBoundary } from "../../ui/ErrorBoundary";
import { Waiting } from "../../ui/feedback";
import type { JsonObject } from "../schema/schema";
import { sampleMedia, withSample } from "./sample";

interface PreviewProps {
  readonly type: string;
  readonly params: JsonObject;
}

/** What contributors will see: the type's own editor over the params so far, with a made-up sample where tasks bring their own files. */
export function Preview(props: PreviewProps) {
  const { t } = useTranslation();
  // Together, for the params of the type before are nothing to a new type's editor.
  const wanted = useMemo(() => ({ type: props.type, params: props.params }), [props.type, props.params]);
  const [{ type, params }] = useDebouncedValue(wanted, 500);
  const module = useQuery({
    queryKey: ["taskType", type],
    queryFn: () => loadTaskType(type),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const shown = JSON.stringify(params);
  return (
    <Box
      className="sy-panel"
      style={{ position: "sticky", top: "4.25rem", overflow: "hidden" }}
      component="section"
    >
      <Box px="md" py="sm" style={{ borderBlockEnd: "1px solid var(--sy-line)" }}>
        <Title order={2}>{t("console.preview")}</Title>
        <Text size="sm" c="dimmed">
          {t("console.previewHint")}
        </Text>
      </Box>
      {!hasEditor(type) && (
        <Alert color="gray" m="sm">
          {t("console.noEditor")}
        </Alert>
      )}
      <Box
        style={{ height: "min(70vh, 44rem)", overflow: "auto", containerType: "inline-size" }}
        data-testid="preview"
      >
        {module.data === undefined ? (
          <Waiting />
        ) : (
          <ErrorBoundary key={type + shown}>
            {/* Without it the whole page would be hidden, the form and what is being typed in it, until the editor has arrived. */}
            <Suspense fallback={<Waiting />}>
              <Editor type={type} params={params} module={module.data} />
            </Suspense>
          </ErrorBoundary>
        )}
      </Box>
    </Box>
  );
}

function Editor({
  type,
  params,
  module,
}: PreviewProps & { module: Awaited<ReturnType<typeof loadTaskType>> }) {
  const given = JSON.stringify(params);
  // biome-ignore lint/correctness/useExhaustiveDependencies: params with equal content make the same document
  const made = useMemo(() => {
    const task: WireTask = { task_id: "preview", type, params: withSample(type, params) };
    const media: MediaView[] = sampleMedia(type, task.params);
    return { task, media, store: new DocumentStore(module.load(task, media, null)), memory: new Map() };
  }, [type, given, module]);
  return (
    <module.Editor
      {...made}
      mode="view"
      before={null}
      remarks={[]}
      issues={[]}
      registerCommands={() => () => undefined}
    />
  );
}
