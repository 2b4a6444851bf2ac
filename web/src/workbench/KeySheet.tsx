import {
  Alert,
  Button,
  Group,
  Kbd,
  Modal,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
  Title,
  UnstyledButton,
} from "@mantine/core";
import { type KeyboardEvent, useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import type { Command } from "../commands/command";
import { keysOf, shown } from "../commands/keys";
import type { CommandRegistry } from "../commands/registry";

interface Props {
  readonly registry: CommandRegistry;
  readonly opened: boolean;
  readonly onClose: () => void;
}

const GROUPS: readonly Command["group"][] = [
  "task",
  "review",
  "edit",
  "tool",
  "label",
  "object",
  "view",
  "app",
];

/** Every command with its keys, made from the list of commands; a click on keys takes new ones. */
export function KeySheet({ registry, opened, onClose }: Props) {
  const { t } = useTranslation();
  const commands = useSyncExternalStore(registry.subscribe, registry.snapshot);
  const [wanted, setWanted] = useState("");
  const [taking, setTaking] = useState<string | null>(null);
  const [objection, setObjection] = useState<string | null>(null);
  const title = (command: Command) => command.title ?? t(`command.${command.id}`);
  const seen = commands.filter(
    (c) =>
      c.hidden !== true &&
      `${title(c)} ${registry.keysOf(c).join(" ")}`.toLowerCase().includes(wanted.toLowerCase()),
  );

  function take(command: Command, event: KeyboardEvent): void {
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Escape") {
      setTaking(null);
      return;
    }
    if (event.key === "Backspace" || event.key === "Delete") {
      registry.setKeys(command.id, []);
      setTaking(null);
      return;
    }
    const keys = keysOf(event.nativeEvent)[0];
    if (keys === undefined) return;
    const against = registry.objection(command, keys);
    if (against === null) {
      registry.setKeys(command.id, [keys]);
      setObjection(null);
      setTaking(null);
    } else
      setObjection(
        typeof against === "string"
          ? t(`workbench.keys.${against}`, { keys: shown(keys) })
          : t("workbench.keys.taken", { keys: shown(keys), command: title(against) }),
      );
  }

  return (
    <Modal
      opened={opened}
      onClose={onClose}
      size="xl"
      title={t("command.app.keys")}
      closeOnEscape={taking === null}
      closeButtonProps={{ "aria-label": t("workbench.close") }}
    >
      <Stack gap="md">
        <Group justify="space-between">
          <TextInput
            aria-label={t("workbench.keys.search")}
            placeholder={t("workbench.keys.search")}
            value={wanted}
            onChange={(event) => setWanted(event.currentTarget.value)}
            data-autofocus
            w={280}
          />
          <Button size="xs" variant="default" onClick={() => registry.resetKeys()}>
            {t("workbench.keys.reset")}
          </Button>
        </Group>
        <Text size="xs" c="dimmed">
          {t("workbench.keys.hint")}
        </Text>
        {objection !== null && (
          <Alert color="orange" py={6} role="alert">
            {objection}
          </Alert>
        )}
        <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xl">
          {GROUPS.filter((group) => seen.some((c) => c.group === group)).map((group) => (
            <Stack key={group} gap={4}>
              <Title order={3} size="h6">
                {t(`workbench.group.${group}`)}
              </Title>
              {seen
                .filter((c) => c.group === group)
                .map((command) => (
                  <Group
                    key={command.id}
                    justify="space-between"
                    wrap="nowrap"
                    gap="xs"
                    data-command={command.id}
                  >
                    <Text size="sm" truncate>
                      {title(command)}
                    </Text>
                    <UnstyledButton
                      aria-label={t("workbench.keys.change", { command: title(command) })}
                      onClick={() => {
                        setObjection(null);
                        setTaking(command.id);
                      }}
                      onKeyDown={(event) => taking === command.id && take(command, event)}
                      onBlur={() => setTaking(null)}
                    >
                      {taking === command.id ? (
                        <Kbd>{t("workbench.keys.press")}</Kbd>
                      ) : (
                        <Group gap={4} wrap="nowrap">
                          {registry.keysOf(command).map((keys) => (
                            <Kbd key={keys}>{shown(keys)}</Kbd>
                          ))}
                          {registry.keysOf(command).length === 0 && <Kbd c="dimmed">–</Kbd>}
                        </Group>
                      )}
                    </UnstyledButton>
                  </Group>
                ))}
            </Stack>
          ))}
        </SimpleGrid>
      </Stack>
    </Modal>
  );
}
