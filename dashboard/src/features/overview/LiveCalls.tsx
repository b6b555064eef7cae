// Who is on the line now: each call with its length, which goes on by itself.

import { Group, Text } from "@mantine/core";
import { IconPhoneIncoming, IconPhoneOutgoing } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import type { Schema } from "@/lib/api";
import { useNumbers, useT } from "@/lib/i18n";
import { lengthOf } from "@/lib/time";
import { TextLink } from "@/ui/LinkTo";
import { Panel } from "@/ui/Panel";
import { StatusBadge } from "@/ui/StatusBadge";
import classes from "./Overview.module.css";

type Call = Schema<"LiveCallOut">;

const SHOWN = 8;

export function LiveCalls({ calls, count }: { calls: Call[]; count: number }) {
  const t = useT("overview");
  const numbers = useNumbers();
  const shown = calls.slice(0, SHOWN);
  return (
    <Panel
      title={t("live.title")}
      actions={count > 0 && <StatusBadge tone="busy">{t("live.count", { count, number: numbers.whole(count) })}</StatusBadge>}
    >
      {count === 0 ? (
        <Text c="dimmed" size="sm">
          {t("live.none")}
        </Text>
      ) : (
        <ul className={classes.rows} data-part="live">
          {shown.map((call) => (
            <LiveCall key={call.id} call={call} />
          ))}
        </ul>
      )}
      {count > shown.length && (
        <TextLink to="/calls" size="sm">
          {t("live.more", { count: count - shown.length, number: numbers.whole(count - shown.length) })}
        </TextLink>
      )}
    </Panel>
  );
}

function LiveCall({ call }: { call: Call }) {
  const t = useT("overview");
  const Direction = call.direction === "inbound" ? IconPhoneIncoming : IconPhoneOutgoing;
  return (
    <li className={classes.row}>
      <Direction size={18} stroke={1.7} role="img" aria-label={t(`live.${call.direction}`)} />
      <div className={classes.grows}>
        <TextLink to={`/calls/${call.id}`} fw={600}>
          {call.name ? <bdi>{call.name}</bdi> : <bdi dir="ltr">{call.theirs}</bdi>}
        </TextLink>
        {call.agent && (
          <Text size="xs" c="dimmed">
            <bdi>{call.agent}</bdi>
          </Text>
        )}
      </div>
      <Group gap="xs" wrap="nowrap">
        <StatusBadge tone={call.away ? "wait" : call.answered_at ? "busy" : "quiet"}>
          {call.away ? t("live.away") : call.answered_at ? t("live.talking") : t("live.ringing")}
        </StatusBadge>
        <Since at={call.answered_at ?? call.created_at} />
      </Group>
    </li>
  );
}

function Since({ at }: { at: string }) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const ticking = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(ticking);
  }, []);
  return (
    <Text size="sm" className={`numbers ${classes.length}`} component="span">
      {lengthOf((now - new Date(at).getTime()) / 1_000)}
    </Text>
  );
}
