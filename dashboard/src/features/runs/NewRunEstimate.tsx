// Beside the form of a new run: how many of these people could be called now, later, or not at all.

import { Text } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData } from "@tanstack/react-query";
import { api } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { Answer } from "@/ui/Answer";
import { TextLink } from "@/ui/LinkTo";
import { Panel } from "@/ui/Panel";
import type { Whom } from "./draft";
import { Outlook } from "./Outlook";

export function NewRunEstimate({ whom }: { whom: Whom | null }) {
  const t = useT("runs");
  const [settled] = useDebouncedValue(JSON.stringify(whom), 400);
  const body = JSON.parse(settled) as Whom | null;
  const estimate = api.useQuery(
    "post",
    "/api/runs/estimate",
    { body: body ?? {} },
    { enabled: body !== null, placeholderData: keepPreviousData, staleTime: 30_000 },
  );
  return (
    <Panel>
      {body === null ? (
        <Text c="dimmed">{t("outlook.choose")}</Text>
      ) : (
        <>
          <Answer of={estimate}>{(data) => <Outlook outlook={data} of="estimate" />}</Answer>
          <TextLink to="/calling-hours" size="sm">
            {t("outlook.to_hours")}
          </TextLink>
        </>
      )}
    </Panel>
  );
}
