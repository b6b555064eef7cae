// What a step is, to be written.

import { NumberInput, Select, SimpleGrid, Stack, Switch, TextInput } from "@mantine/core";
import { useFaultAt } from "@/features/agents/faults";
import { KeysField } from "@/features/agents/script/KeysField";
import {
  answersOf, exitsOf, orderOf, readable, withExit, without, type Ask, type Confirm, type Dialogue, type Patience, type Step, type ToolStep,
} from "@/features/agents/script/model";
import type { ScriptProps } from "@/features/agents/script/ScriptTab";
import { TextFields } from "@/features/agents/script/TextFields";
import { api } from "@/lib/api";
import { useT } from "@/lib/i18n";

interface Props extends ScriptProps {
  name: string;
  step: Step;
  set: (step: Step) => void;
}

export function StepForm({ name, step, set, dialogue }: Props) {
  const t = useT("script");
  const path = `script.states.${name}`;
  const reasonFault = useFaultAt(`${path}.reason`);
  const isQuestion = step.kind === "ask" || step.kind === "confirm";
  return (
    <Stack gap="sm">
      <TextFields
        label={t("field.say")}
        languages={dialogue.languages}
        path={`${path}.say`}
        value={step.say}
        onChange={(say) => set(saying(step, say))}
      />
      {step.kind === "ask" && <AskFields step={step} set={set} dialogue={dialogue} path={path} />}
      {step.kind === "confirm" && <ConfirmFields step={step} set={set} dialogue={dialogue} path={path} />}
      {step.kind === "tool" && <ToolFields step={step} set={set} path={path} />}
      <ExitFields step={step} set={set} dialogue={dialogue} path={path} />
      {isQuestion && (
        <>
          <KeysField
            keys={step.keys ?? {}}
            meanings={Object.keys(answersOf(dialogue, step))}
            path={`${path}.keys`}
            onChange={(keys) => set({ ...step, keys })}
          />
          <TextFields
            label={t("field.hint")}
            description={t("field.hint_about")}
            languages={dialogue.languages}
            path={`${path}.hint`}
            value={step.hint}
            onChange={(hint) => set({ ...step, hint: Object.values(hint).some(Boolean) ? hint : null })}
          />
          <OwnPatience step={step} set={set} dialogue={dialogue} path={path} />
        </>
      )}
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
        <TextInput
          label={t("field.disposition")}
          description={t("field.disposition_about")}
          dir="ltr"
          value={step.notes?.disposition ?? ""}
          onChange={(event) => {
            const others = without(step.notes ?? {}, "disposition");
            const word = event.currentTarget.value;
            set({ ...step, notes: word ? { ...others, disposition: word } : others });
          }}
        />
        {step.kind === "end" && (
          <TextInput
            label={t("field.reason")}
            description={t("field.reason_about")}
            dir="ltr"
            value={step.reason ?? ""}
            error={reasonFault}
            onChange={(event) => set({ ...step, reason: event.currentTarget.value || undefined })}
          />
        )}
      </SimpleGrid>
    </Stack>
  );
}

/** Only a tool may say nothing. */
function saying(step: Step, say: Record<string, string>): Step {
  if (step.kind === "tool") return { ...step, say: Object.values(say).some(Boolean) ? say : null };
  return { ...step, say };
}

interface PartProps<S extends Step> {
  step: S;
  set: (step: Step) => void;
  path: string;
}

function AskFields({ step, set, dialogue, path }: PartProps<Ask> & { dialogue: Dialogue }) {
  const t = useT("script");
  const fault = useFaultAt(path);
  const slots = Object.keys(dialogue.slots ?? {});
  const value = step.slot ? `slot:${step.slot}` : `answers:${step.answers ?? ""}`;
  return (
    <Select
      label={t("field.expects")}
      description={t("field.expects_about")}
      allowDeselect={false}
      value={value}
      error={fault}
      data={[
        { group: t("field.fills"), items: slots.map((slot) => ({ value: `slot:${slot}`, label: readable(slot) })) },
        {
          group: t("field.decides"),
          items: Object.keys(dialogue.answers).map((set_) => ({ value: `answers:${set_}`, label: readable(set_) })),
        },
      ]}
      onChange={(chosen) => {
        const [kind, which = ""] = chosen?.split(":") ?? [];
        const next: Ask = { ...step };
        delete next.slot;
        delete next.answers;
        next[kind === "slot" ? "slot" : "answers"] = which;
        set(withMeanings(next, Object.keys(answersOf(dialogue, next)), dialogue.give_up));
      }}
    />
  );
}

/** The question with a way for each meaning that it has now, and none for others. */
function withMeanings(step: Ask, meanings: string[], otherwise: string): Ask {
  if (typeof step.next === "string") return step;
  const before = step.next;
  return { ...step, next: Object.fromEntries(meanings.map((meaning) => [meaning, before[meaning] ?? otherwise])) };
}

function ConfirmFields({ step, set, dialogue, path }: PartProps<Confirm> & { dialogue: Dialogue }) {
  const t = useT("script");
  return (
    <Select
      label={t("field.reads_back")}
      allowDeselect={false}
      value={step.slot}
      error={useFaultAt(`${path}.slot`)}
      data={Object.keys(dialogue.slots ?? {}).map((slot) => ({ value: slot, label: readable(slot) }))}
      onChange={(slot) => slot && set({ ...step, slot })}
    />
  );
}

function ToolFields({ step, set, path }: PartProps<ToolStep>) {
  const t = useT("script");
  const options = api.useQuery("get", "/api/agent-options", {}, { staleTime: 60_000 });
  const tools = options.data?.tools ?? [];
  const schema = tools.find(({ name }) => name === step.tool)?.arguments as
    { properties?: Record<string, { description?: string }> } | undefined;
  return (
    <Stack gap="sm">
      <Select
        label={t("field.tool")}
        searchable
        allowDeselect={false}
        value={step.tool}
        error={useFaultAt(`${path}.tool`)}
        data={[...new Set([step.tool, ...tools.map(({ name }) => name)])].map((name) => ({ value: name, label: readable(name) }))}
        onChange={(tool) => tool && set({ ...step, tool, arguments: {} })}
      />
      {Object.entries(schema?.properties ?? {}).map(([argument, { description }]) => (
        <Argument key={argument} argument={argument} about={description} step={step} set={set} path={path} />
      ))}
    </Stack>
  );
}

function Argument({ argument, about, step, set, path }: PartProps<ToolStep> & { argument: string; about?: string }) {
  const t = useT("script");
  return (
    <TextInput
      label={t("field.argument", { name: readable(argument) })}
      description={about}
      placeholder={t("field.argument_hint", { example: "{weekday}" })}
      dir="ltr"
      value={step.arguments?.[argument] ?? ""}
      error={useFaultAt(`${path}.arguments.${argument}`)}
      onChange={(event) => {
        const others = without(step.arguments ?? {}, argument);
        const value = event.currentTarget.value;
        set({ ...step, arguments: value ? { ...others, [argument]: value } : others });
      }}
    />
  );
}

function ExitFields({ step, set, dialogue, path }: PartProps<Step> & { dialogue: Dialogue }) {
  const t = useT("script");
  const meanings = Object.keys(answersOf(dialogue, step));
  const branches = step.kind === "ask" && typeof step.next !== "string";
  return (
    <Stack gap="xs">
      {step.kind === "ask" && meanings.length > 0 && (
        <Switch
          label={t("field.branches")}
          checked={branches}
          onChange={(event) => {
            const to = exitsOf(step)[0]?.to ?? dialogue.give_up;
            const next = event.currentTarget.checked ? Object.fromEntries(meanings.map((meaning) => [meaning, to])) : to;
            set({ ...step, next });
          }}
        />
      )}
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
        {exitsOf(step).map(({ on, to }) => (
          <StepSelect
            key={on}
            label={on ? t("field.after", { answer: readable(on) }) : t("field.then")}
            value={to}
            dialogue={dialogue}
            path={placeOf(path, step, on)}
            onChange={(next) => set(withExit(step, on, next))}
          />
        ))}
      </SimpleGrid>
    </Stack>
  );
}

function placeOf(path: string, step: Step, on: string): string {
  if (step.kind === "confirm") return `${path}.${on}`;
  if (step.kind === "tool") return `${path}.results.${on}`;
  return on ? `${path}.next.${on}` : `${path}.next`;
}

function OwnPatience({ step, set, dialogue, path }: PartProps<Ask | Confirm> & { dialogue: Dialogue }) {
  const t = useT("script");
  return (
    <Stack gap="xs">
      <Switch
        label={t("field.own_patience")}
        description={t("field.own_patience_about")}
        checked={Boolean(step.patience)}
        onChange={(event) => set({ ...step, patience: event.currentTarget.checked ? dialogue.patience : null })}
      />
      {step.patience && (
        <PatienceFields
          patience={step.patience}
          dialogue={dialogue}
          path={`${path}.patience`}
          onChange={(patience) => set({ ...step, patience })}
        />
      )}
    </Stack>
  );
}

interface PatienceProps {
  patience: Patience;
  dialogue: Dialogue;
  path: string;
  onChange: (next: Patience) => void;
}

export function PatienceFields({ patience, dialogue, path, onChange }: PatienceProps) {
  const t = useT("script");
  return (
    <Stack gap="sm">
      <TextFields
        label={t("field.unclear")}
        languages={dialogue.languages}
        path={`${path}.unclear`}
        value={patience.unclear}
        onChange={(unclear) => onChange({ ...patience, unclear })}
      />
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
        <NumberInput
          label={t("field.tries")}
          min={1}
          max={10}
          value={patience.tries ?? 3}
          onChange={(tries) => onChange({ ...patience, tries: Number(tries) || 1 })}
        />
        <StepSelect
          label={t("field.tries_then")}
          value={patience.next}
          dialogue={dialogue}
          path={`${path}.next`}
          onChange={(next) => onChange({ ...patience, next })}
        />
      </SimpleGrid>
      <TextFields
        label={t("field.silence")}
        languages={dialogue.languages}
        path={`${path}.silence`}
        value={patience.silence}
        onChange={(silence) => onChange({ ...patience, silence })}
      />
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
        <NumberInput
          label={t("field.silences")}
          min={1}
          max={10}
          value={patience.silences ?? 2}
          onChange={(silences) => onChange({ ...patience, silences: Number(silences) || 1 })}
        />
        <StepSelect
          label={t("field.silences_then")}
          value={patience.silence_next}
          dialogue={dialogue}
          path={`${path}.silence_next`}
          onChange={(next) => onChange({ ...patience, silence_next: next })}
        />
      </SimpleGrid>
    </Stack>
  );
}

interface StepSelectProps {
  label: string;
  description?: string;
  value: string | null | undefined;
  dialogue: Dialogue;
  path: string;
  onChange: (name: string) => void;
}

/** One of the script's steps. */
export function StepSelect({ label, description, value, dialogue, path, onChange }: StepSelectProps) {
  const names = orderOf(dialogue);
  const known = !value || names.includes(value) ? names : [value, ...names];
  return (
    <Select
      label={label}
      description={description}
      searchable
      allowDeselect={false}
      value={value ?? null}
      error={useFaultAt(path)}
      data={known.map((name) => ({ value: name, label: readable(name) }))}
      onChange={(name) => name && onChange(name)}
    />
  );
}
