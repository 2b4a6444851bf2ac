import { CloseButton } from "@mantine/core";
import { IconAlertTriangle, IconCircleCheck } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { dismiss, useNotices } from "./notices";

/** The notices that are to be seen now; read out as they come. */
export function Notices() {
  const { t } = useTranslation();
  const notices = useNotices((state) => state.notices);
  return (
    <div className="sy-notices" aria-live="polite">
      {notices.map(({ id, message, bad }) => {
        const Icon = bad ? IconAlertTriangle : IconCircleCheck;
        return (
          <div key={id} className="sy-notice" data-bad={bad || undefined} role={bad ? "alert" : "status"}>
            <Icon size={18} aria-hidden />
            <span>{message}</span>
            <CloseButton size="sm" aria-label={t("app.close")} onClick={() => dismiss(id)} />
          </div>
        );
      })}
    </div>
  );
}
