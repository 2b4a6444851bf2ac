import { Button, Modal, Select, Stack, Text, Textarea } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../../api/client";
import { Problem } from "../../ui/feedback";
import { Secret } from "../../ui/Secret";

interface InviteProps {
  readonly opened: boolean;
  readonly onClose: () => void;
  readonly onInvited: () => void;
}

/** Invites people by their addresses; where no mail goes out, their links are shown to be handed on. */
export function Invite({ opened, onClose, onInvited }: InviteProps) {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const [role, setRole] = useState<"labeler" | "member" | "manager">("labeler");
  const emails = [...new Set(text.split(/[\s,;]+/).filter((part) => part !== ""))];
  const invite = useMutation({
    mutationFn: () => unwrap(api.POST("/api/members/invite", { body: { emails, role } })),
    onSuccess: onInvited,
  });
  const { reset } = invite;
  useEffect(() => {
    if (!opened) return;
    setText("");
    reset();
  }, [opened, reset]);
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      size="lg"
      title={t("console.invite")}
      closeButtonProps={{ "aria-label": t("app.close") }}
    >
      {invite.data === undefined ? (
        <Stack gap="sm">
          <Textarea
            label={t("console.addresses")}
            description={t("console.addressesHint")}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            autosize
            minRows={3}
            data-autofocus
          />
          <Select
            label={t("console.role")}
            description={t(`console.roleHint.${role}`)}
            data={(["labeler", "member", "manager"] as const).map((value) => ({
              value,
              label: t(`app.role.${value}`),
            }))}
            value={role}
            onChange={(value) => setRole((value as typeof role | null) ?? "labeler")}
            allowDeselect={false}
          />
          <Problem error={invite.error} />
          <Button onClick={() => invite.mutate()} loading={invite.isPending} disabled={emails.length === 0}>
            {t("console.inviteCount", { count: emails.length })}
          </Button>
        </Stack>
      ) : (
        <Stack gap="sm">
          <Text size="sm">{t("console.invitedHint")}</Text>
          {invite.data.items.map((item) => (
            <div key={item.email}>
              <Text size="sm" fw={600}>
                {item.email}
                {item.mailed && ` · ${t("console.mailed")}`}
              </Text>
              <Secret value={item.url} />
            </div>
          ))}
          <Button onClick={onClose}>{t("app.close")}</Button>
        </Stack>
      )}
    </Modal>
  );
}
