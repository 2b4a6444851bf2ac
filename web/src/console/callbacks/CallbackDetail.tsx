import { Button, Code, Stack, Text, Timeline, Title } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../../api/client";
import { Facts } from "../../ui/Facts";
import { Pending, told, toldProblem } from "../../ui/feedback";
import { time } from "../../ui/format";
import { JsonView } from "../../ui/JsonView";
import { StatusBadge } from "../../ui/StatusBadge";

export function CallbackDetail({ id, onReplayed }: { id: string; onReplayed: () => void }) {
  const { t } = useTranslation();
  const path = { event_id: id };
  const found = useQuery({
    queryKey: ["callback", id],
    queryFn: () => unwrap(api.GET("/api/callbacks/{event_id}", { params: { path } })),
  });
  const replay = useMutation({
    mutationFn: () => unwrap(api.POST("/api/callbacks/{event_id}/replay", { params: { path } })),
    onSuccess: () => {
      told(t("console.callbackSent"));
      void found.refetch();
      onReplayed();
    },
    onError: toldProblem,
  });
  const event = found.data;
  return (
    <Pending query={found}>
      {event !== undefined && (
        <Stack>
          <Button
            size="xs"
            style={{ alignSelf: "start" }}
            loading={replay.isPending}
            onClick={() => replay.mutate()}
          >
            {t("console.sendCallback")}
          </Button>
          <Facts
            items={[
              [t("console.column.status"), <StatusBadge key="s" status={event.state} />],
              [t("console.target"), event.target],
              [t("console.column.created_at"), time(event.created_at)],
              [t("console.nextTry"), event.next_try_at && time(event.next_try_at)],
              [t("console.problem"), event.error],
            ]}
          />
          <Title order={2}>{t("console.tries")}</Title>
          {event.tried.length === 0 ? (
            <Text size="sm" c="dimmed">
              {t("console.noTries")}
            </Text>
          ) : (
            <Timeline bulletSize={14} lineWidth={2} active={event.tried.length}>
              {event.tried.map((tried) => (
                <Timeline.Item key={tried.at} title={tried.status_code ?? tried.error ?? ""}>
                  <Text size="xs" c="dimmed">
                    {time(tried.at)} · {tried.duration_ms} ms
                  </Text>
                  {tried.status_code !== null && tried.error !== null && <Text size="sm">{tried.error}</Text>}
                  {tried.body && (
                    <Code block mah={120}>
                      {tried.body}
                    </Code>
                  )}
                </Timeline.Item>
              ))}
            </Timeline>
          )}
          <JsonView value={event.payload} label={t("console.payload")} />
        </Stack>
      )}
    </Pending>
  );
}
