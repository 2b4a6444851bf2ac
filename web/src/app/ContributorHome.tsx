import { Box, Button, Group, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { IconPlayerPlay } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../api/client";
import { useSession } from "../api/session";
import { hours, number, share } from "../ui/format";
import { Page } from "../ui/Page";
import { Stat } from "../ui/Stat";

const MONTH_MS = 30 * 86_400_000;

/** The person's own last thirty days. */
function OwnFigures() {
  const { t } = useTranslation();
  const from = useMemo(() => new Date(Date.now() - MONTH_MS).toISOString().slice(0, 10), []);
  const found = useQuery({
    queryKey: ["ownFigures", from],
    queryFn: () => unwrap(api.GET("/api/figures/me", { params: { query: { from } } })),
  });
  const own = found.data;
  if (own === undefined) return null;
  return (
    <section>
      <Title order={2} mb="xs">
        {t("app.lastMonth")}
      </Title>
      <SimpleGrid cols={{ base: 2, md: 4 }} spacing="sm">
        <Stat label={t("console.figure.labels")} value={number(own.labels)} />
        <Stat label={t("console.figure.acceptance")} value={share(own.acceptance)} />
        <Stat label={t("console.figure.evaluation")} value={share(own.evaluation_score)} />
        <Stat label={t("console.figure.time")} value={hours(own.active_seconds)} />
      </SimpleGrid>
    </section>
  );
}

/** A big start button, and the work that was begun and not finished. */
export function ContributorHome() {
  const { t } = useTranslation();
  const member = useSession((s) => s.info?.member);
  const held = useQuery({ queryKey: ["heldWork"], queryFn: () => unwrap(api.GET("/api/work")) });
  const leases = held.data?.leases ?? [];
  return (
    <Page title={t("app.hello", { name: member?.first_name ?? member?.email ?? "" })}>
      <Stack gap="lg">
        <Box className="sy-panel" p="xl">
          <Group justify="space-between" wrap="wrap">
            <div>
              <Title order={2}>{t("app.nextWork")}</Title>
              <Text c="dimmed">{t("app.nextWorkHint")}</Text>
            </div>
            <Button
              component={Link}
              to="/work"
              size="lg"
              leftSection={<IconPlayerPlay size={20} aria-hidden />}
            >
              {t("app.start")}
            </Button>
          </Group>
        </Box>
        <OwnFigures />
        {leases.length > 0 && (
          <section>
            <Title order={2} mb="xs">
              {t("app.begun")}
            </Title>
            <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
              {leases.map((lease) => (
                <Link
                  key={lease.lease_token}
                  to="/work"
                  search={{ task_id: lease.task_id }}
                  className="sy-panel sy-card"
                >
                  <Box p="md">
                    <Text fw={600}>{t("app.continue")}</Text>
                    <Text size="sm" c="dimmed" className="sy-mono">
                      {lease.task_id}
                    </Text>
                  </Box>
                </Link>
              ))}
            </SimpleGrid>
          </section>
        )}
      </Stack>
    </Page>
  );
}
