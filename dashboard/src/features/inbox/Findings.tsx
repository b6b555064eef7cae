// What a closed session was read to mean for the lead, and where a person decides on it.

import { Badge, Button, Group, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { api, client, type Schema } from "@/lib/api";
import { useNumbers, useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { useAct } from "@/ui/act";
import { Answer } from "@/ui/Answer";

type Finding = Schema<"FindingOut">;

export function Findings({ sessionId }: { sessionId: string }) {
  const t = useT("inbox");
  const numbers = useNumbers();
  const act = useAct();
  const { may } = useSession();
  const [busy, setBusy] = useState(false);
  const params = { path: { chat_session_id: sessionId } };
  const findings = api.useQuery("get", "/api/conversation-findings/{chat_session_id}", { params });
  const decide = async (verdict: "accept" | "reject", items: Finding[]) => {
    const body = { accept: [], reject: [], [verdict]: items.map(({ key }) => key) } as Schema<"DecisionsIn">;
    setBusy(true);
    await act(() => client.POST("/api/conversation-findings/{chat_session_id}", { params, body }), t(`finding.${verdict}ed`));
    setBusy(false);
  };
  return (
    <Answer of={findings}>
      {({ items, confidence }) => {
        if (items.length === 0) return null;
        const waiting = items.filter(({ state }) => state === "waiting");
        return (
          <Stack gap={4} mt={6} data-findings>
            <Text size="xs" fw={600}>
              {t(waiting.length > 0 ? "finding.waiting" : "finding.title")}
              {confidence !== null && ` · ${t("finding.confidence", { share: numbers.share(confidence) })}`}
            </Text>
            {items.map((item) => (
              <Group key={item.key} gap={6}>
                <Text size="sm">
                  <bdi>{item.label}</bdi>: <bdi>{String(item.value)}</bdi>
                  {item.contradicts && item.before !== null && (
                    <Text span inherit c="dimmed">
                      {" "}
                      {t("finding.before", { value: String(item.before) })}
                    </Text>
                  )}
                </Text>
                {item.state === "waiting" && may("agent") ? (
                  <>
                    <Button size="compact-xs" loading={busy} aria-label={t("finding.accept_of", { what: item.label })} onClick={() => void decide("accept", [item])}>
                      {t("finding.accept")}
                    </Button>
                    <Button size="compact-xs" variant="default" disabled={busy} aria-label={t("finding.reject_of", { what: item.label })} onClick={() => void decide("reject", [item])}>
                      {t("finding.reject")}
                    </Button>
                  </>
                ) : (
                  <Badge size="xs" color={item.state === "rejected" ? "gray" : item.state === "waiting" ? "yellow" : "green"}>
                    {t(`finding.state.${item.state}`)}
                  </Badge>
                )}
              </Group>
            ))}
          </Stack>
        );
      }}
    </Answer>
  );
}
