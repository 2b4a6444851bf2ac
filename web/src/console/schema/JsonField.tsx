import { JsonInput } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Json } from "./schema";

interface JsonFieldProps {
  readonly label: string;
  readonly description?: string | undefined;
  readonly value: Json | undefined;
  readonly rows?: number;
  onChange(value: Json | undefined): void;
}

/** JSON as text. What does not read as JSON stays in the field and is told; the value is then as it was. */
export function JsonField({ label, description, value, rows = 3, onChange }: JsonFieldProps) {
  const { t } = useTranslation();
  const [text, setText] = useState(() => (value === undefined ? "" : JSON.stringify(value, null, 2)));
  const [wrong, setWrong] = useState(false);
  function read(given: string) {
    setText(given);
    if (given.trim() === "") {
      setWrong(false);
      onChange(undefined);
      return;
    }
    try {
      const parsed = JSON.parse(given) as Json;
      setWrong(false);
      onChange(parsed);
    } catch {
      setWrong(true);
    }
  }
  return (
    <JsonInput
      label={label}
      description={description ?? t("console.jsonHint")}
      value={text}
      onChange={read}
      error={wrong ? t("console.notJson") : undefined}
      autosize
      minRows={rows}
      maxRows={30}
      formatOnBlur
      styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
      spellCheck={false}
    />
  );
}
