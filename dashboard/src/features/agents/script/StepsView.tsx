import { Button, Group, Menu, NavLink, Stack, Text } from "@mantine/core";
import {
  IconArrowBarRight, IconHelpCircle, IconMessage, IconPlus, IconRepeat, IconTool, type Icon,
} from "@tabler/icons-react";
import { useState } from "react";
import { useFaults } from "@/features/agents/faults";
import { entrancesOf, KINDS, newStep, orderOf, readable, withStep, type Kind } from "@/features/agents/script/model";
import type { ScriptProps } from "@/features/agents/script/ScriptTab";
import { StepCard } from "@/features/agents/script/StepCard";
import { useT } from "@/lib/i18n";
import classes from "./script.module.css";

export const ICONS: Record<Kind, Icon> = {
  ask: IconHelpCircle,
  confirm: IconRepeat,
  tool: IconTool,
  tell: IconMessage,
  end: IconArrowBarRight,
};

export const anchorOf = (name: string) => `step-${name}`;

/** Bring a step into sight, and the keyboard to it. */
export function goTo(name: string): void {
  const card = document.getElementById(anchorOf(name));
  card?.scrollIntoView({ block: "start", behavior: "auto" });
  card?.focus({ preventScroll: true });
}

export function StepsView(props: ScriptProps) {
  const { dialogue, change, mayWrite } = props;
  const t = useT("script");
  const [open, setOpen] = useState<string | null>(null);
  const order = orderOf(dialogue);
  const entrances = entrancesOf(dialogue);
  function add(kind: Kind) {
    let number = 1;
    while (`step_${number}` in dialogue.states) number += 1;
    const name = `step_${number}`;
    change(withStep(dialogue, name, newStep(dialogue, kind)));
    setOpen(name);
    setTimeout(() => goTo(name));
  }
  return (
    <div className={classes.steps}>
      <nav aria-label={t("outline")} className={classes.outline}>
        <Text size="xs" c="dimmed" mb={4}>
          {t("outline")}
        </Text>
        {order.map((name) => (
          <Entry key={name} name={name} kind={dialogue.states[name]?.kind ?? "tell"} />
        ))}
      </nav>
      <Stack gap="sm">
        {order.map((name) => (
          <StepCard
            key={name}
            name={name}
            entrances={entrances.get(name) ?? []}
            open={open === name}
            setOpen={setOpen}
            {...props}
          />
        ))}
        {mayWrite && (
          <Group>
            <Menu>
              <Menu.Target>
                <Button variant="default" leftSection={<IconPlus size={16} />}>
                  {t("add_step")}
                </Button>
              </Menu.Target>
              <Menu.Dropdown>
                {KINDS.map((kind) => {
                  const Picture = ICONS[kind];
                  return (
                    <Menu.Item key={kind} leftSection={<Picture size={16} />} onClick={() => add(kind)}>
                      {t(`kind.${kind}`)}
                    </Menu.Item>
                  );
                })}
              </Menu.Dropdown>
            </Menu>
          </Group>
        )}
      </Stack>
    </div>
  );
}

function Entry({ name, kind }: { name: string; kind: Kind }) {
  const t = useT("script");
  const Picture = ICONS[kind];
  const faulty = useFaults(`script.states.${name}`, true).length > 0;
  return (
    <NavLink
      component="button"
      type="button"
      className={classes.entry}
      label={<bdi>{readable(name)}</bdi>}
      leftSection={<Picture size={15} stroke={1.7} aria-label={t(`kind.${kind}`)} />}
      rightSection={faulty && <span className={classes.fault} role="img" aria-label={t("faulty")} />}
      onClick={() => goTo(name)}
    />
  );
}
