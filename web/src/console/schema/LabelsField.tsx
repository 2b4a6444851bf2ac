import { Textarea } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { type FieldProps, titleOf } from "./field";
import { JsonField } from "./JsonField";
import { labelText, labelTree } from "./labels";

/** A tree of labels, one a line, children indented. A tree that says more than names is JSON. */
export function LabelsField(props: FieldProps & { shared: object }) {
  const { value, onChange, required, shared } = props;
  const { t } = useTranslation();
  const text = labelText(value);
  if (text === null) return <JsonField label={titleOf(props, t)} value={value} onChange={onChange} />;
  return (
    <Textarea
      {...shared}
      description={t("console.labelsHint")}
      autosize
      minRows={3}
      maxRows={16}
      defaultValue={text}
      onChange={(e) => {
        const tree = labelTree(e.currentTarget.value);
        onChange(tree.length === 0 && !required ? undefined : tree);
      }}
      classNames={{ input: "sy-mono" }}
    />
  );
}
