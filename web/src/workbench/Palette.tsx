import { Combobox, Group, Kbd, Modal, ScrollArea, Text, TextInput, useCombobox } from "@mantine/core";
import { useEffect, useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { shown } from "../commands/keys";
import type { CommandRegistry } from "../commands/registry";

interface Props {
  readonly registry: CommandRegistry;
  readonly opened: boolean;
  readonly onClose: () => void;
}

/** Every command by its name; what cannot be done now says why. */
export function Palette({ registry, opened, onClose }: Props) {
  const { t } = useTranslation();
  const commands = useSyncExternalStore(registry.subscribe, registry.snapshot);
  const [wanted, setWanted] = useState("");
  const combobox = useCombobox({ opened: true });
  useEffect(() => {
    if (opened) setWanted("");
  }, [opened]);
  useEffect(() => {
    if (opened) combobox.selectFirstOption();
  }, [opened, combobox.selectFirstOption]);
  const words = wanted.toLowerCase().split(/\s+/);
  const found = commands
    .filter((command) => command.hidden !== true)
    .map((command) => ({
      command,
      title: command.title ?? t(`command.${command.id}`),
      why: command.available?.() ?? true,
    }))
    .filter(({ title }) => words.every((word) => title.toLowerCase().includes(word)));
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      withCloseButton={false}
      padding="xs"
      size="lg"
      title={t("command.app.palette")}
    >
      <Combobox
        store={combobox}
        withinPortal={false}
        onOptionSubmit={(id) => {
          onClose();
          // after the dialog has given the focus back
          setTimeout(() => registry.run(id), 0);
        }}
      >
        <Combobox.EventsTarget>
          <TextInput
            aria-label={t("command.app.palette")}
            placeholder={t("workbench.palette.placeholder")}
            value={wanted}
            data-autofocus
            onChange={(event) => {
              setWanted(event.currentTarget.value);
              combobox.updateSelectedOptionIndex();
              combobox.selectFirstOption();
            }}
          />
        </Combobox.EventsTarget>
        <ScrollArea.Autosize mah={420} mt="xs">
          <Combobox.Options>
            {found.length === 0 && <Combobox.Empty>{t("workbench.palette.none")}</Combobox.Empty>}
            {found.map(({ command, title, why }) => (
              <Combobox.Option key={command.id} value={command.id} disabled={why !== true}>
                <Group justify="space-between" wrap="nowrap">
                  <Text size="sm">
                    {title}
                    {why === true ? "" : ` – ${t(why)}`}
                  </Text>
                  <Group gap={4} wrap="nowrap">
                    {registry.keysOf(command).map((keys) => (
                      <Kbd key={keys}>{shown(keys)}</Kbd>
                    ))}
                  </Group>
                </Group>
              </Combobox.Option>
            ))}
          </Combobox.Options>
        </ScrollArea.Autosize>
      </Combobox>
    </Modal>
  );
}
