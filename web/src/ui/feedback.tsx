/** Loading, nothing there, and what went wrong: the same words and looks everywhere. */

import { Alert, Box, Button, Center, List, Loader, Stack, Text, Title } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import i18next from "i18next";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { ApiError, sentences } from "../api/errors";
import { notify } from "./notices";

export function Waiting() {
  const { t } = useTranslation();
  return (
    <Center py="xl" role="status">
      <Loader size="sm" aria-label={t("app.loading")} />
    </Center>
  );
}

export function Problem({ error, onRetry }: { error: unknown; onRetry?: (() => void) | undefined }) {
  const { t } = useTranslation();
  if (error === null || error === undefined) return null;
  const [first, ...more] = sentences(error, t("app.offline"));
  return (
    <Alert color="red" icon={<IconAlertTriangle aria-hidden />} role="alert" title={first} my="xs">
      {more.length > 0 && (
        <List size="sm">
          {more.map((line) => (
            <List.Item key={line}>{line}</List.Item>
          ))}
        </List>
      )}
      {onRetry !== undefined && (
        <Button size="compact-sm" variant="default" mt="xs" onClick={onRetry}>
          {t("app.tryAgain")}
        </Button>
      )}
    </Alert>
  );
}

interface EmptyProps {
  readonly title: string;
  readonly icon?: ReactNode;
  readonly children?: ReactNode;
}

export function Empty({ title, icon, children }: EmptyProps) {
  return (
    <Center py={48} px="md">
      <Stack align="center" gap="xs" maw={460}>
        {icon !== undefined && (
          <Box c="dimmed" aria-hidden>
            {icon}
          </Box>
        )}
        <Title order={2} ta="center">
          {title}
        </Title>
        {typeof children === "string" ? (
          <Text c="dimmed" ta="center">
            {children}
          </Text>
        ) : (
          children
        )}
      </Stack>
    </Center>
  );
}

/** Refusals that asking again does not change: what was asked for is wrong, forbidden or not there. */
const LASTING: readonly number[] = [400, 403, 404];

/** A query's three states before there is something to show. */
export function Pending({
  query,
  children,
}: {
  query: { isPending: boolean; error: unknown; refetch: () => unknown };
  children: ReactNode;
}) {
  if (query.error) {
    const lasts = query.error instanceof ApiError && LASTING.includes(query.error.status);
    return <Problem error={query.error} onRetry={lasts ? undefined : () => void query.refetch()} />;
  }
  return query.isPending ? <Waiting /> : children;
}

export function told(message: string): void {
  notify(message);
}

export function toldProblem(error: unknown): void {
  const lines = sentences(error, i18next.t("app.offline"));
  notify(lines.slice(0, 4).join("\n"), true);
}
