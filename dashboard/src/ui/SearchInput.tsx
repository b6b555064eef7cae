import { CloseButton, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { useT } from "@/lib/i18n";

const REST_MS = 250;

/** A field to search by; tells what was typed when the typing rests. `value` is what is searched for now. */
export function SearchInput({
  label,
  hint,
  value,
  onChange,
}: {
  label: string;
  hint?: string;
  value: string;
  onChange: (words: string) => void;
}) {
  const t = useT("common");
  const [typed, setTyped] = useState(value);
  const [known, setKnown] = useState(value);
  /** What was told and has not come back as `value` yet. */
  const [said, setSaid] = useState<string[]>([]);
  const told = useRef(onChange);
  useEffect(() => {
    told.current = onChange;
  });
  if (value !== known) {
    setKnown(value);
    const echo = said.indexOf(value);
    setSaid(echo < 0 ? [] : said.slice(echo + 1));
    // Changed from elsewhere, by "back" or a button that clears: that is what is shown. Not so one's own words
    // when they come back: since they were told, more may have been typed.
    if (echo < 0) setTyped(value);
  }
  useEffect(() => {
    if (typed === value) return undefined;
    const rest = setTimeout(() => {
      setSaid((before) => [...before, typed]);
      told.current(typed);
    }, REST_MS);
    return () => clearTimeout(rest);
  }, [typed, value]);
  return (
    <TextInput
      type="search"
      aria-label={label}
      placeholder={hint ?? label}
      value={typed}
      onChange={(event) => setTyped(event.currentTarget.value)}
      leftSection={<IconSearch size={16} />}
      rightSection={
        typed && (
          <CloseButton
            size="sm"
            aria-label={t("clear")}
            onClick={() => {
              setTyped("");
              setSaid((before) => [...before, ""]);
              onChange("");
            }}
          />
        )
      }
    />
  );
}
