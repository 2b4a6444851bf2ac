import { Modal, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useSession } from "../api/session";
import { SignInForm } from "./SignInForm";

/** Over every other dialog, which may be open when the session ends. */
const ON_TOP = 1000;

/** Stands over the page when the session has ended; the page stays as it is and its calls are repeated after signing in. */
export default function SessionDialog() {
  const { t } = useTranslation();
  const { ended, info } = useSession();
  return (
    <Modal
      opened={ended}
      onClose={() => undefined}
      zIndex={ON_TOP}
      withCloseButton={false}
      closeOnClickOutside={false}
      closeOnEscape={false}
      title={t("app.sessionEnded")}
    >
      <Text size="sm" mb="sm">
        {t("app.sessionEndedHint")}
      </Text>
      <SignInForm email={info?.member.email ?? ""} onDone={() => undefined} />
    </Modal>
  );
}
