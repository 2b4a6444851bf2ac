import { Button, Modal, Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Relationship } from "./model";

interface Props {
  readonly choice: { readonly options: readonly Relationship[] } | null;
  readonly onClose: () => void;
  readonly onChoose: (definition: Relationship) => void;
}

/** Which relation two spans are in, where several fit; digits choose. */
export function LinkMenu({ choice, onClose, onChoose }: Props) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={choice !== null}
      onClose={onClose}
      size="xs"
      title={t("text.relation")}
      closeButtonProps={{ "aria-label": t("workbench.close") }}
      onKeyDown={(event) => {
        const option = choice?.options[Number(event.key) - 1];
        if (option !== undefined) onChoose(option);
      }}
    >
      <Stack gap="xs">
        {choice?.options.length === 0 && <Text size="sm">{t("text.noneFits")}</Text>}
        {choice?.options.map((definition, i) => (
          <Button
            // biome-ignore lint/suspicious/noArrayIndexKey: definitions have no id and never change
            key={i}
            variant="default"
            justify="space-between"
            rightSection={i + 1}
            data-autofocus={i === 0 || undefined}
            onClick={() => onChoose(definition)}
          >
            {definition.display_name ?? definition.name ?? t("text.unnamed")}
          </Button>
        ))}
      </Stack>
    </Modal>
  );
}
