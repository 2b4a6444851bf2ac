import { Button } from "@mantine/core";
import { IconMapOff } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Empty } from "../ui/feedback";

export function NotFound() {
  const { t } = useTranslation();
  return (
    <Empty title={t("app.notFound")} icon={<IconMapOff size={40} stroke={1.4} />}>
      <Button component={Link} to="/" variant="default">
        {t("app.toHome")}
      </Button>
    </Empty>
  );
}
