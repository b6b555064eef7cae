// The business's own fields and its people on pages: shown, and filled.

import { NumberInput, Select, TextInput } from "@mantine/core";
import { useLanguage, useT } from "@/lib/i18n";
import { usePeople } from "@/lib/people";
import { type OwnField, type Value } from "./useOwn";

export function Owner({ id }: { id: string | null | undefined }) {
  const people = usePeople();
  const name = people.find((person) => person.value === id)?.label;
  return name ? <bdi>{name}</bdi> : null;
}

/** What stands in a field, as people read it. */
export function OwnValue({ field, value }: { field: OwnField; value: Value | undefined }) {
  const t = useT("leads");
  const language = useLanguage();
  if (value === undefined || value === null) return null;
  if (typeof value === "boolean") return <>{t(value ? "own.yes" : "own.no")}</>;
  if (typeof value === "number") return <bdi>{new Intl.NumberFormat(language, { maximumFractionDigits: 6 }).format(value)}</bdi>;
  if (field.kind === "date") {
    // A day is the same day in every zone.
    const shown = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "UTC" });
    return <bdi>{shown.format(new Date(`${value}T00:00:00Z`))}</bdi>;
  }
  return <bdi>{value}</bdi>;
}

interface OwnInputProps {
  field: OwnField;
  value: Value | undefined;
  onChange: (value: Value) => void;
  size?: "xs";
  label?: string;
  /** It stands in a popover, which a press on choices outside of it would close. */
  inPopover?: boolean;
}

/** Where a field is filled or emptied. */
export function OwnInput({ field, value, onChange, size, label, inPopover = false }: OwnInputProps) {
  const t = useT("leads");
  const shared = { size, label: <bdi>{label ?? field.label}</bdi> };
  const comboboxProps = { withinPortal: !inPopover };
  switch (field.kind) {
    case "number":
      return (
        <NumberInput
          {...shared}
          value={typeof value === "number" ? value : ""}
          onChange={(given) => onChange(typeof given === "number" ? given : given === "" ? null : Number(given))}
          thousandSeparator=","
        />
      );
    case "yes_no":
      return (
        <Select
          {...shared}
          comboboxProps={comboboxProps}
          data={[
            { value: "yes", label: t("own.yes") },
            { value: "no", label: t("own.no") },
          ]}
          value={typeof value === "boolean" ? (value ? "yes" : "no") : null}
          onChange={(given) => onChange(given === null ? null : given === "yes")}
          clearable
        />
      );
    case "choice": {
      // What could be chosen once may stay.
      const standing = typeof value === "string" && !field.choices.includes(value) ? [value] : [];
      return (
        <Select
          {...shared}
          comboboxProps={comboboxProps}
          data={[...field.choices, ...standing]}
          value={typeof value === "string" ? value : null}
          onChange={onChange}
          searchable
          clearable
        />
      );
    }
    default:
      return (
        <TextInput
          {...shared}
          type={field.kind === "date" ? "date" : "text"}
          dir={field.kind === "date" ? undefined : "auto"}
          maxLength={1000}
          value={typeof value === "string" ? value : ""}
          onChange={(event) => onChange(event.currentTarget.value || null)}
        />
      );
  }
}
