import { Badge } from "@mantine/core";
import { useTranslation } from "react-i18next";

const COLORS: Readonly<Record<string, string>> = {
  pending: "deep",
  in_progress: "deep",
  completed: "teal",
  done: "teal",
  ready: "teal",
  accepted: "teal",
  delivered: "teal",
  active: "teal",
  succeeded: "teal",
  fixed: "cyan",
  commented: "amber",
  paused: "amber",
  training: "amber",
  staging: "gray",
  waiting: "gray",
  queued: "gray",
  preparing: "gray",
  canceled: "gray",
  cancelled: "gray",
  running: "deep",
  rejected: "red",
  error: "red",
  failed: "red",
  disabled: "red",
};

/** A state in words; color only supports them. States without a message of their own are shown as they are. */
export function StatusBadge({ status }: { status: string }) {
  const { t } = useTranslation();
  return (
    <Badge
      variant="light"
      color={COLORS[status] ?? "gray"}
      radius="sm"
      tt="none"
      fw={600}
      className="sy-badge"
    >
      {t(`console.status.${status}`, status)}
    </Badge>
  );
}
