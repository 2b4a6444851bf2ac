import { Menu, UnstyledButton, useMantineColorScheme } from "@mantine/core";
import {
  IconCheck,
  IconDeviceDesktop,
  IconLanguage,
  IconLineHeight,
  IconMoon,
  IconSun,
} from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { LANGUAGES, type Language } from "../i18n";
import { chooseDensity, chooseLanguage, usePrefs } from "./prefs";

const check = <IconCheck size={16} aria-hidden />;

/** Entries of a menu: language, light or dark, density. */
export function PreferenceItems() {
  const { t } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const { language, density } = usePrefs();
  const schemes = [
    ["auto", IconDeviceDesktop],
    ["light", IconSun],
    ["dark", IconMoon],
  ] as const;
  return (
    <>
      <Menu.Label>{t("app.language")}</Menu.Label>
      {(Object.keys(LANGUAGES) as Language[]).map((name) => (
        <Menu.Item
          key={name}
          lang={name}
          leftSection={<IconLanguage size={16} aria-hidden />}
          rightSection={name === language && check}
          aria-current={name === language}
          onClick={() => void chooseLanguage(name)}
        >
          {LANGUAGES[name]}
        </Menu.Item>
      ))}
      <Menu.Label>{t("app.appearance")}</Menu.Label>
      {schemes.map(([name, Icon]) => (
        <Menu.Item
          key={name}
          leftSection={<Icon size={16} aria-hidden />}
          rightSection={name === colorScheme && check}
          aria-current={name === colorScheme}
          onClick={() => setColorScheme(name)}
        >
          {t(`app.scheme.${name}`)}
        </Menu.Item>
      ))}
      <Menu.Label>{t("app.density")}</Menu.Label>
      {(["comfortable", "compact"] as const).map((name) => (
        <Menu.Item
          key={name}
          leftSection={<IconLineHeight size={16} aria-hidden />}
          rightSection={name === density && check}
          aria-current={name === density}
          onClick={() => chooseDensity(name)}
        >
          {t(`app.density.${name}`)}
        </Menu.Item>
      ))}
    </>
  );
}

/** The same for pages without a session. */
export function PreferencesMenu() {
  const { t } = useTranslation();
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <UnstyledButton aria-label={t("app.preferences")} p={6}>
          <IconLanguage size={22} aria-hidden />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <PreferenceItems />
      </Menu.Dropdown>
    </Menu>
  );
}
