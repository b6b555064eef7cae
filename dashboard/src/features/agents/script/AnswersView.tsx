// What callers may answer: sets of meanings, each with the words by which it is recognised; and what is understood anywhere.

import { ActionIcon, Button, Card, Group, Select, Stack, TagsInput, Text, TextInput, Title } from "@mantine/core";
import { modals } from "@mantine/modals";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { FaultText, useFaultAt } from "@/features/agents/faults";
import { NameForm } from "@/features/agents/script/NameForm";
import { inOrder, keysOfSet, readable, without, type Anywhere, type Dialogue, type Meaning } from "@/features/agents/script/model";
import type { ScriptProps } from "@/features/agents/script/ScriptTab";
import { StepSelect } from "@/features/agents/script/StepForm";
import { TextFields } from "@/features/agents/script/TextFields";
import { useT } from "@/lib/i18n";
import { Panel } from "@/ui/Panel";
import classes from "./script.module.css";

export function AnswersView(props: ScriptProps) {
  const { dialogue, change, mayWrite } = props;
  const t = useT("script");
  const ask = useAskName();
  return (
    <fieldset disabled={!mayWrite} className={classes.bare}>
      <Stack gap="md">
        <Panel
          title={t("slots.title")}
          about={t("slots.about")}
          actions={
            <Add
              label={t("slots.add")}
              onClick={() =>
                ask(t("slots.add"), Object.keys(dialogue.slots ?? {}), (name) =>
                  change({ ...dialogue, slots: { ...dialogue.slots, [name]: { answers: Object.keys(dialogue.answers)[0] ?? "" } } }),
                )
              }
            />
          }
        >
          <Slots dialogue={dialogue} change={change} />
        </Panel>
        {Object.keys(dialogue.answers).map((name) => (
          <AnswerSet key={name} name={name} {...props} />
        ))}
        <Group>
          <Add
            label={t("answers.add_set")}
            onClick={() =>
              ask(t("answers.add_set"), Object.keys(dialogue.answers), (name) =>
                change({ ...dialogue, answers: { ...dialogue.answers, [name]: {} } }),
              )
            }
          />
        </Group>
        <Panel
          title={t("anywhere.title")}
          about={t("anywhere.about")}
          actions={
            <Add
              label={t("anywhere.add")}
              onClick={() =>
                ask(t("anywhere.add"), Object.keys(dialogue.anywhere ?? {}), (name) =>
                  change({ ...dialogue, anywhere: { ...dialogue.anywhere, [name]: { phrases: {} } } }),
                )
              }
            />
          }
        >
          <Stack gap="sm">
            {Object.entries(dialogue.anywhere ?? {}).map(([name, one]) => (
              <AnywhereCard key={name} name={name} one={one} {...props} />
            ))}
          </Stack>
        </Panel>
      </Stack>
    </fieldset>
  );
}

function Add({ label, onClick }: { label: string; onClick: () => void }) {
  return (
    <Button size="compact-sm" variant="default" leftSection={<IconPlus size={14} />} onClick={onClick}>
      {label}
    </Button>
  );
}

function useAskName() {
  return (title: string, taken: string[], done: (name: string) => void) => {
    const id = modals.open({
      title,
      children: (
        <NameForm
          first=""
          taken={taken}
          done={(name) => {
            modals.close(id);
            done(name);
          }}
        />
      ),
    });
  };
}

function Slots({ dialogue, change }: Pick<ScriptProps, "dialogue" | "change">) {
  const t = useT("script");
  const slots = dialogue.slots ?? {};
  return (
    <Stack gap="xs">
      {Object.entries(slots).map(([name, slot]) => (
        <Group key={name} gap="xs" wrap="nowrap" align="flex-end">
          <SlotSelect
            name={name}
            dialogue={dialogue}
            onChange={(answers) => change({ ...dialogue, slots: { ...slots, [name]: { ...slot, answers } } })}
          />
          <ActionIcon
            variant="subtle"
            color="red"
            size="lg"
            aria-label={t("remove_named", { name: readable(name) })}
            onClick={() => change({ ...dialogue, slots: without(slots, name) })}
          >
            <IconTrash size={16} />
          </ActionIcon>
        </Group>
      ))}
    </Stack>
  );
}

function SlotSelect({ name, dialogue, onChange }: { name: string; dialogue: Dialogue; onChange: (set: string) => void }) {
  const t = useT("script");
  return (
    <Select
      flex={1}
      label={readable(name)}
      description={t("slots.set")}
      allowDeselect={false}
      value={dialogue.slots?.[name]?.answers ?? null}
      error={useFaultAt(`script.slots.${name}.answers`)}
      data={Object.keys(dialogue.answers).map((set) => ({ value: set, label: readable(set) }))}
      onChange={(set) => set && onChange(set)}
    />
  );
}

function AnswerSet({ name, dialogue, language, change }: ScriptProps & { name: string }) {
  const t = useT("script");
  const ask = useAskName();
  const meanings = dialogue.answers[name] ?? {};
  const put = (next: Record<string, Meaning>) => change({ ...dialogue, answers: { ...dialogue.answers, [name]: next } });
  return (
    <Panel
      title={readable(name)}
      about={t("answers.about")}
      actions={
        <>
          <Add label={t("answers.add")} onClick={() => ask(t("answers.add"), Object.keys(meanings), (key) => put({ ...meanings, [key]: {} }))} />
          <ActionIcon
            variant="subtle"
            color="red"
            aria-label={t("remove_named", { name: readable(name) })}
            onClick={() => change({ ...dialogue, answers: without(dialogue.answers, name) })}
          >
            <IconTrash size={16} />
          </ActionIcon>
        </>
      }
    >
      <FaultText path={`script.answers.${name}`} />
      <Stack gap="xs">
        {inOrder(
          Object.entries(meanings).map(([on, meaning]) => ({ on, meaning })),
          keysOfSet(dialogue, name),
        ).map(({ on: key, meaning }) => (
          <MeaningRow
            key={key}
            name={key}
            meaning={meaning}
            language={language}
            path={`script.answers.${name}.${key}`}
            onChange={(next) => put({ ...meanings, [key]: next })}
            remove={() => put(without(meanings, key))}
          />
        ))}
      </Stack>
    </Panel>
  );
}

interface MeaningProps {
  name: string;
  meaning: Meaning;
  language: string;
  path: string;
  onChange: (next: Meaning) => void;
  remove: () => void;
}

function MeaningRow({ name, meaning, language, path, onChange, remove }: MeaningProps) {
  const t = useT("script");
  return (
    <div className={classes.meaning}>
      <Text fw={600} size="sm">
        <bdi>{readable(name)}</bdi>
      </Text>
      <TagsInput
        aria-label={t("answers.phrases_of", { name: readable(name) })}
        placeholder={t("answers.phrases_hint")}
        value={meaning.phrases?.[language] ?? []}
        error={useFaultAt(path, true)}
        onChange={(phrases) => {
          const others = without(meaning.phrases ?? {}, language);
          onChange({ ...meaning, phrases: phrases.length > 0 ? { ...others, [language]: phrases } : others });
        }}
      />
      <TextInput
        aria-label={t("answers.spoken_of", { name: readable(name) })}
        placeholder={meaning.phrases?.[language]?.[0] ?? t("answers.spoken_hint")}
        dir="auto"
        maxLength={1000}
        value={meaning.spoken?.[language] ?? ""}
        onChange={(event) => {
          const others = without(meaning.spoken ?? {}, language);
          const text = event.currentTarget.value;
          onChange({ ...meaning, spoken: text ? { ...others, [language]: text } : others });
        }}
      />
      <ActionIcon variant="subtle" color="red" aria-label={t("remove_named", { name: readable(name) })} onClick={remove}>
        <IconTrash size={16} />
      </ActionIcon>
    </div>
  );
}

function AnywhereCard({ name, one, dialogue, language, change }: ScriptProps & { name: string; one: Anywhere }) {
  const t = useT("script");
  const path = `script.anywhere.${name}`;
  const all = dialogue.anywhere ?? {};
  const put = (next: Anywhere) => change({ ...dialogue, anywhere: { ...all, [name]: next } });
  return (
    <Card withBorder padding="sm">
      <Group justify="space-between" mb="xs">
        <Title order={3}>
          <bdi>{readable(name)}</bdi>
        </Title>
        <ActionIcon
          variant="subtle"
          color="red"
          aria-label={t("remove_named", { name: readable(name) })}
          onClick={() => change({ ...dialogue, anywhere: without(all, name) })}
        >
          <IconTrash size={16} />
        </ActionIcon>
      </Group>
      <Stack gap="sm">
        <TagsInput
          label={t("anywhere.phrases")}
          value={one.phrases?.[language] ?? []}
          error={useFaultAt(`${path}.phrases.${language}`)}
          onChange={(phrases) => put({ ...one, phrases: { ...one.phrases, [language]: phrases } })}
        />
        <TextFields
          label={t("anywhere.say")}
          languages={dialogue.languages}
          path={`${path}.say`}
          value={one.say}
          onChange={(say) => put({ ...one, say: Object.values(say).some(Boolean) ? say : null })}
        />
        <Group align="flex-end" gap="xs">
          <StepSelect
            label={t("anywhere.next")}
            description={one.next ? undefined : t("anywhere.asks_again")}
            value={one.next}
            dialogue={dialogue}
            path={`${path}.next`}
            onChange={(next) => put({ ...one, next })}
          />
          {one.next && (
            <Button variant="default" onClick={() => put({ ...one, next: null })}>
              {t("anywhere.ask_again")}
            </Button>
          )}
        </Group>
      </Stack>
    </Card>
  );
}
