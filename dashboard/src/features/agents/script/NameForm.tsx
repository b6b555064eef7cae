import { Button, Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import { NAME } from "@/features/agents/script/model";
import { useT } from "@/lib/i18n";

/** Ask for a name as scripts have them: small letters, figures and underscores. Spaces become underscores. */
export function NameForm({ first, taken, done }: { first: string; taken: string[]; done: (name: string) => void }) {
  const t = useT("script");
  const [name, setName] = useState(first);
  const isTaken = name !== first && taken.includes(name);
  const fault = !NAME.test(name) ? t("name.form") : isTaken ? t("name.taken") : null;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (!fault) done(name);
      }}
    >
      <Stack gap="sm">
        <TextInput
          label={t("name.label")}
          data-autofocus
          dir="ltr"
          value={name}
          error={fault}
          onChange={(event) => setName(event.currentTarget.value.toLowerCase().replaceAll(" ", "_"))}
        />
        <Button type="submit" disabled={fault !== null}>
          {t("name.do")}
        </Button>
      </Stack>
    </form>
  );
}
