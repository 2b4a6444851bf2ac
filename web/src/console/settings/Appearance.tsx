import { Box, SegmentedControl, Select, Stack, Text, Title, useMantineColorScheme } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { LANGUAGES, type Language } from "../../i18n";
import { chooseDensity, chooseLanguage, type Density, usePrefs } from "../../ui/prefs";

const SCHEMES = ["auto", "light", "dark"] as const;
const DENSITIES: readonly Density[] = ["comfortable", "compact"];

/** Language, light or dark, density: of this browser. */
export function Appearance() {
  const { t } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const { language, density } = usePrefs();
  return (
    <Box className="sy-panel" p="lg" component="section">
      <Title order={2} mb="sm">
        {t("app.appearance")}
      </Title>
      <Stack gap="sm" align="start">
        <Select
          label={t("app.language")}
          data={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))}
          value={language}
          onChange={(value) => void chooseLanguage((value ?? "en") as Language)}
          allowDeselect={false}
          w={260}
        />
        <div>
          <Text size="sm" fw={500} mb={4}>
            {t("app.scheme")}
          </Text>
          <SegmentedControl
            aria-label={t("app.scheme")}
            value={colorScheme}
            onChange={(value) => setColorScheme(value as (typeof SCHEMES)[number])}
            data={SCHEMES.map((value) => ({ value, label: t(`app.scheme.${value}`) }))}
          />
        </div>
        <div>
          <Text size="sm" fw={500} mb={4}>
            {t("app.density")}
          </Text>
          <SegmentedControl
            aria-label={t("app.density")}
            value={density}
            onChange={(value) => chooseDensity(value as Density)}
            data={DENSITIES.map((value) => ({ value, label: t(`app.density.${value}`) }))}
          />
        </div>
      </Stack>
    </Box>
  );
}
