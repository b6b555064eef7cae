// What needs a person, each with the way to where something can be done about it.

import { Group, Text, ThemeIcon } from "@mantine/core";
import {
  IconAlertTriangle,
  IconChecklist,
  IconCircleCheck,
  IconFileAlert,
  IconHelpCircle,
  IconPhoneOff,
  IconPlayerPause,
  IconRobot,
  IconStackPop,
  type Icon,
} from "@tabler/icons-react";
import type { Schema } from "@/lib/api";
import { useNumbers, useT } from "@/lib/i18n";
import { TextLink } from "@/ui/LinkTo";
import { Moment } from "@/ui/Moment";
import { Panel } from "@/ui/Panel";
import { TONES, type Tone } from "@/ui/StatusBadge";
import classes from "./Overview.module.css";

type Matter = Schema<"MatterOut">;

interface Way {
  icon: Icon;
  tone: Tone;
  to: (matter: Matter) => string;
  search?: (matter: Matter) => Record<string, string>;
}

const run = (matter: Matter) => (matter.subject_id ? `/runs/${matter.subject_id}` : "/runs");
const WAYS: Record<string, Way> = {
  unknown_dials: { icon: IconHelpCircle, tone: "odd", to: run },
  held_run: { icon: IconPlayerPause, tone: "wait", to: run },
  failed_run: { icon: IconAlertTriangle, tone: "bad", to: run },
  rejected_dials: { icon: IconPhoneOff, tone: "bad", to: run, search: () => ({ tab: "dials" }) },
  call_faults: { icon: IconPhoneOff, tone: "bad", to: () => "/calls", search: () => ({ outcome: "our_fault" }) },
  agent_warning: { icon: IconRobot, tone: "wait", to: (matter) => `/agents/${matter.subject_id}` },
  failed_import: { icon: IconFileAlert, tone: "bad", to: (matter) => `/lists/imports/${matter.subject_id}` },
  failed_bulk: { icon: IconFileAlert, tone: "bad", to: () => "/leads", search: ({ subject_id: id }) => ({ bulk: id ?? "" }) },
  overdue_tasks: { icon: IconChecklist, tone: "wait", to: () => "/tasks", search: () => ({ overdue: "yes" }) },
  failed_jobs: { icon: IconStackPop, tone: "bad", to: () => "/jobs", search: () => ({ state: "failed" }) },
};

export function Attention({ matters }: { matters: Matter[] }) {
  const t = useT("overview");
  return (
    <Panel title={t("attention.title")}>
      {matters.length === 0 ? (
        <Group gap="xs">
          <ThemeIcon variant="light" color={TONES.good} radius="xl" size="sm" aria-hidden>
            <IconCircleCheck size={16} />
          </ThemeIcon>
          <Text size="sm" c="dimmed">
            {t("attention.none")}
          </Text>
        </Group>
      ) : (
        <ul className={classes.rows} data-part="attention">
          {matters.map((matter) => (
            <OneMatter key={`${matter.kind} ${matter.subject_id ?? ""}`} matter={matter} />
          ))}
        </ul>
      )}
    </Panel>
  );
}

function OneMatter({ matter }: { matter: Matter }) {
  const t = useT("overview");
  const numbers = useNumbers();
  const way = WAYS[matter.kind];
  if (!way) return null;
  return (
    <li className={classes.row} data-kind={matter.kind}>
      <ThemeIcon variant="light" color={TONES[way.tone]} size="md" aria-hidden>
        <way.icon size={18} stroke={1.7} />
      </ThemeIcon>
      <div className={classes.grows}>
        <TextLink to={way.to(matter)} search={way.search?.(matter)}>
          {t(`matter.${matter.kind}`, { count: matter.count, number: numbers.whole(matter.count) })}
        </TextLink>
        {(matter.title || matter.at) && (
          <Text size="xs" c="dimmed">
            {matter.title && <bdi>{matter.title}</bdi>} {matter.at && <Moment at={matter.at} />}
          </Text>
        )}
      </div>
    </li>
  );
}
