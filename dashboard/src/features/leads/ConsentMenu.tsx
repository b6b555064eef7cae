// What a lead has said to being called, as a button by which it is noted.

import { Menu, UnstyledButton } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { client, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { useAct } from "@/ui/act";
import { ConsentBadge, type Lead } from "./words";

type Consent = Schema<"ConsentChange">["consent"];

const SAID: Consent[] = ["express", "written", "withdrawn"];

export function ConsentMenu({ lead }: { lead: Lead }) {
  const t = useT("leads");
  const act = useAct();
  const queries = useQueryClient();
  const { may } = useSession();
  if (!may("agent")) return <ConsentBadge consent={lead.consent} />;
  const note = async (consent: Consent) => {
    const path = { lead_id: lead.id };
    await act(() => client.PATCH("/api/leads/{lead_id}/consent", { params: { path }, body: { consent } }));
    await queries.invalidateQueries({ queryKey: ["get", "/api/leads/{lead_id}"] });
    await queries.invalidateQueries({ queryKey: ["get", "/api/leads/{lead_id}/timeline"] });
  };
  return (
    <Menu shadow="md" position="bottom-start">
      <Menu.Target>
        <UnstyledButton aria-label={t("consent.change", { consent: t(`consent.${lead.consent}`) })}>
          <ConsentBadge consent={lead.consent} />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{t("consent.label")}</Menu.Label>
        {SAID.map((consent) => (
          <Menu.Item key={consent} onClick={() => void note(consent)}>
            {t(`consent.${consent}`)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
