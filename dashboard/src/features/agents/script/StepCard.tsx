// One step, to be read: what is said, what is expected, where it goes. And the form behind it.

import { ActionIcon, Anchor, Badge, Button, Card, Group, Menu, Stack, Text, Title } from "@mantine/core";
import { IconArrowRight, IconDots, IconPencil } from "@tabler/icons-react";
import { FaultList, useFaults } from "@/features/agents/faults";
import { NameForm } from "@/features/agents/script/NameForm";
import {
  answersOf, exitsOf, inOrder, readable, renamed, withoutStep, withStep, type Dialogue, type Meaning, type Step,
} from "@/features/agents/script/model";
import { Sentence } from "@/features/agents/script/Sentence";
import type { ScriptProps } from "@/features/agents/script/ScriptTab";
import { StepForm } from "@/features/agents/script/StepForm";
import { anchorOf, goTo, ICONS } from "@/features/agents/script/StepsView";
import { useT } from "@/lib/i18n";
import { useConfirm } from "@/ui/confirm";
import { modals } from "@mantine/modals";
import classes from "./script.module.css";

interface Props extends ScriptProps {
  name: string;
  entrances: string[];
  open: boolean;
  setOpen: (name: string | null) => void;
}

export function StepCard(props: Props) {
  const { name, dialogue, language, change, mayWrite, entrances, open, setOpen } = props;
  const t = useT("script");
  const faults = useFaults(`script.states.${name}`, true);
  const step = dialogue.states[name];
  if (!step) return null;
  const Picture = ICONS[step.kind];
  return (
    <Card
      withBorder
      padding="md"
      component="section"
      id={anchorOf(name)}
      tabIndex={-1}
      aria-labelledby={`${anchorOf(name)}-name`}
      className={classes.card}
      data-step={name}
      data-faulty={faults.length > 0 || undefined}
    >
      <Group justify="space-between" wrap="nowrap" align="flex-start" mb="xs">
        <Group gap="xs">
          <Picture size={18} stroke={1.7} aria-hidden />
          <Title order={3} id={`${anchorOf(name)}-name`}>
            <bdi>{readable(name)}</bdi>
          </Title>
          <Badge color="gray">{t(`kind.${step.kind}`)}</Badge>
          {dialogue.start === name && <Badge>{t("is_start")}</Badge>}
          {dialogue.give_up === name && <Badge color="gray">{t("is_give_up")}</Badge>}
          {dialogue.machine === name && <Badge color="gray">{t("is_machine")}</Badge>}
        </Group>
        {mayWrite && (
          <Group gap={4} wrap="nowrap">
            <Button
              size="compact-sm"
              variant="default"
              leftSection={<IconPencil size={14} />}
              aria-expanded={open}
              aria-label={t(open ? "done_named" : "edit_named", { name: readable(name) })}
              onClick={() => setOpen(open ? null : name)}
            >
              {t(open ? "done" : "edit")}
            </Button>
            <StepMenu name={name} dialogue={dialogue} change={change} setOpen={setOpen} />
          </Group>
        )}
      </Group>
      {open ? (
        <StepForm {...props} step={step} set={(next) => change(withStep(dialogue, name, next))} />
      ) : (
        <Reading step={step} dialogue={dialogue} language={language} />
      )}
      {faults.length > 0 && (
        <Stack gap={4} mt="sm" role="alert" c="red">
          <FaultList faults={faults} />
        </Stack>
      )}
      {entrances.length > 0 && (
        <Text size="xs" c="dimmed" mt="sm">
          {t("from")}{" "}
          {entrances.map((from, index) => (
            <span key={from}>
              {index > 0 && ", "}
              <StepLink to={from} dialogue={dialogue} />
            </span>
          ))}
        </Text>
      )}
    </Card>
  );
}

function Reading({ step, dialogue, language }: { step: Step; dialogue: Dialogue; language: string }) {
  const t = useT("script");
  const answers = Object.entries(answersOf(dialogue, step)).map(([on, meaning]) => ({ on, meaning }));
  const meanings = inOrder(answers, "keys" in step ? step.keys : {});
  const keysOf = (meaning: string) =>
    "keys" in step ? Object.entries(step.keys ?? {}).filter(([, means]) => means === meaning).map(([keys]) => keys) : [];
  const exits = exitsOf(step);
  const single = exits.length === 1 && exits[0]?.on === "" ? exits[0] : null;
  const rows =
    step.kind === "tool"
      ? inOrder(exits).map(({ on, to }) => ({ on, to, words: t([`result.${on}`, "result.error"], { error: readable(on) }) }))
      : meanings.map(({ on, meaning }) => ({
          on,
          to: exits.find((exit) => exit.on === on)?.to ?? single?.to ?? "",
          words: phrasesOf(meaning, language),
        }));
  return (
    <Stack gap="xs">
      {step.say && <Sentence text={step.say[language] ?? ""} />}
      {step.kind === "tool" && (
        <Text size="sm">
          {t("uses")} <b>{readable(step.tool)}</b>
          {Object.entries(step.arguments ?? {}).map(([argument, value]) => (
            <Text span key={argument} size="sm" c="dimmed" ms="sm">
              <bdi>
                {argument}: {value}
              </bdi>
            </Text>
          ))}
        </Text>
      )}
      {rows.length > 0 && (
        <table className={classes.exits}>
          <thead>
            <tr>
              <th>{t(step.kind === "tool" ? "column.result" : "column.answer")}</th>
              <th>{t(step.kind === "tool" ? "column.means" : "column.heard")}</th>
              <th>{t("column.goes")}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ on, to, words }) => (
              <tr key={on}>
                <td>
                  <bdi>{readable(on)}</bdi>
                  {keysOf(on).map((keys) => (
                    <Badge key={keys} size="xs" color="gray" ms={6} title={t("key")}>
                      {keys}
                    </Badge>
                  ))}
                </td>
                <td>
                  <Text span size="sm" c="dimmed">
                    <bdi>{words}</bdi>
                  </Text>
                </td>
                <td>
                  <Goes to={to} dialogue={dialogue} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {rows.length === 0 && single && <Goes to={single.to} dialogue={dialogue} />}
      {step.kind === "end" && (
        <Text size="sm" c="dimmed">
          {t("ends", { reason: readable(step.notes?.disposition ?? step.reason ?? "done") })}
        </Text>
      )}
    </Stack>
  );
}

const SHOWN = 4;

function phrasesOf(meaning: Meaning, language: string): string {
  const phrases = meaning.phrases?.[language] ?? [];
  return phrases.slice(0, SHOWN).join(" · ") + (phrases.length > SHOWN ? " …" : "");
}

function Goes({ to, dialogue }: { to: string; dialogue: Dialogue }) {
  return (
    <Group gap={4} wrap="nowrap">
      <IconArrowRight size={14} className={`points ${classes.arrow}`} aria-hidden />
      <StepLink to={to} dialogue={dialogue} />
    </Group>
  );
}

function StepLink({ to, dialogue }: { to: string; dialogue: Dialogue }) {
  const t = useT("script");
  if (!to || !dialogue.states[to]) {
    return (
      <Text span size="sm" c="red">
        {to ? readable(to) : t("nowhere")}
      </Text>
    );
  }
  return (
    <Anchor component="button" type="button" size="sm" ta="start" onClick={() => goTo(to)}>
      <bdi>{readable(to)}</bdi>
    </Anchor>
  );
}

function StepMenu({ name, dialogue, change, setOpen }: Pick<Props, "name" | "dialogue" | "change" | "setOpen">) {
  const t = useT("script");
  const confirm = useConfirm();
  async function remove() {
    const asked = { title: t("remove.title", { name: readable(name) }), body: t("remove.body"), confirm: t("remove.do") };
    if (await confirm(asked)) change(withoutStep(dialogue, name));
  }
  function rename() {
    const id = modals.open({
      title: t("rename.title", { name: readable(name) }),
      children: (
        <NameForm
          first={name}
          taken={Object.keys(dialogue.states)}
          done={(next) => {
            modals.close(id);
            change(renamed(dialogue, name, next));
            setOpen(null);
          }}
        />
      ),
    });
  }
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="default" size="sm" aria-label={t("more_named", { name: readable(name) })}>
          <IconDots size={14} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={rename}>{t("rename.do")}</Menu.Item>
        {dialogue.start !== name && (
          <Menu.Item onClick={() => change({ ...dialogue, start: name })}>{t("make_start")}</Menu.Item>
        )}
        <Menu.Item color="red" onClick={() => void remove()}>
          {t("remove.do")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
