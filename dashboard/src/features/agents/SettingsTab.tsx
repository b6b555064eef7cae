import { Checkbox, Fieldset, Group, NumberInput, Select, SimpleGrid, Stack, TagsInput, Text, Textarea, TextInput } from "@mantine/core";
import type { Content, Draft } from "@/features/agents/draft";
import { FaultText, useFaultAt } from "@/features/agents/faults";
import { useBrainName, useLanguageName } from "@/features/agents/words";
import { api, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useBusiness } from "@/lib/session";
import { Answer } from "@/ui/Answer";
import { Panel } from "@/ui/Panel";

interface Props {
  draft: Draft;
  mayWrite: boolean;
}

export function SettingsTab({ draft, mayWrite }: Props) {
  const options = api.useQuery("get", "/api/agent-options", {}, { staleTime: 60_000 });
  return (
    <Answer of={options}>
      {(known) => (
        <Fieldset variant="unstyled" disabled={!mayWrite} p={0}>
          <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
            <Stack gap="md">
              <Words draft={draft} known={known} />
            </Stack>
            <Stack gap="md">
              <Sound draft={draft} known={known} />
              <Doing draft={draft} known={known} />
            </Stack>
          </SimpleGrid>
        </Fieldset>
      )}
    </Answer>
  );
}

interface PartProps {
  draft: Draft;
  known: Schema<"AgentOptions">;
}

function Words({ draft: { content, change }, known }: PartProps) {
  const t = useT("agents");
  const languageName = useLanguageName();
  const brainName = useBrainName();
  const brain = known.brains.find(({ name }) => name === content.brain);
  const brains = known.brains.some(({ name }) => name === content.brain)
    ? known.brains.map(({ name }) => name)
    : [content.brain, ...known.brains.map(({ name }) => name)];
  return (
    <Panel title={t("part.words")}>
      <Stack gap="sm">
        <TextInput
          label={t("field.name")}
          required
          maxLength={200}
          value={content.name}
          error={useFaultAt("name")}
          onChange={(event) => change({ name: event.currentTarget.value })}
        />
        <Group grow align="flex-start" preventGrowOverflow={false}>
          <Select
            label={t("field.language")}
            allowDeselect={false}
            data={known.languages.map((code) => ({ value: code, label: languageName(code) }))}
            value={content.language}
            error={useFaultAt("language")}
            onChange={(language) => language && change({ language })}
          />
          <Select
            label={t("field.brain")}
            description={brain && t(`brain_kind.${brain.kind}`)}
            inputWrapperOrder={["label", "input", "description", "error"]}
            allowDeselect={false}
            data={brains.map((name) => ({ value: name, label: brainName(name) }))}
            value={content.brain}
            error={useFaultAt("brain")}
            onChange={(value) => value && change({ brain: value })}
          />
        </Group>
        <Textarea
          label={t("field.greeting")}
          description={t("greeting_about", { names: "{business_name}, {agent_name}, {lead_name}" })}
          autosize
          minRows={2}
          maxLength={2000}
          dir="auto"
          value={content.greeting}
          error={useFaultAt("greeting")}
          onChange={(event) => change({ greeting: event.currentTarget.value })}
        />
        {content.brain !== "scripted" && <Instructions content={content} change={change} />}
      </Stack>
    </Panel>
  );
}

function Instructions({ content, change }: Pick<Draft, "content" | "change">) {
  const t = useT("agents");
  return (
    <Textarea
      label={t("field.instructions")}
      description={t("instructions_about")}
      autosize
      minRows={10}
      maxRows={40}
      dir="auto"
      value={content.instructions}
      error={useFaultAt("instructions")}
      onChange={(event) => change({ instructions: event.currentTarget.value })}
    />
  );
}

function Sound({ draft: { content, change }, known }: PartProps) {
  const t = useT("agents");
  const voice = content.voice ?? {};
  const set = (part: Partial<NonNullable<Content["voice"]>>) => change({ voice: { ...voice, ...part } });
  const provider = known.voices.find((one) => one.provider === voice.provider) ?? known.voices[0];
  const names = provider?.voices[content.language] ?? [];
  const ownVoice = known.brains.find(({ name }) => name === content.brain)?.kind === "voice";
  return (
    <Panel title={t("part.sound")} about={ownVoice ? t("own_voice") : undefined}>
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
        <Select
          label={t("voice.provider")}
          placeholder={known.voices[0]?.provider}
          clearable
          clearButtonProps={{ "aria-label": t("voice.usual") }}
          data={known.voices.map((one) => one.provider)}
          value={voice.provider ?? null}
          error={useFaultAt("voice.provider")}
          onChange={(value) => set({ provider: value })}
        />
        <TextInput
          label={t("voice.name")}
          description={names.length > 0 ? t("voice.known", { names: names.slice(0, 8).join(", ") }) : undefined}
          inputWrapperOrder={["label", "input", "description", "error"]}
          dir="ltr"
          placeholder={t("voice.usual")}
          value={voice.name ?? ""}
          error={useFaultAt("voice.name")}
          onChange={(event) => set({ name: event.currentTarget.value || null })}
        />
        <NumberInput
          label={t("voice.pace")}
          description={t("voice.pace_about")}
          inputWrapperOrder={["label", "input", "description", "error"]}
          placeholder={t("voice.usual")}
          min={80}
          max={400}
          step={10}
          allowDecimal={false}
          value={voice.words_per_minute ?? ""}
          error={useFaultAt("voice.words_per_minute")}
          onChange={(value) => set({ words_per_minute: typeof value === "number" ? value : null })}
        />
      </SimpleGrid>
      <FaultText path="voice.language" />
    </Panel>
  );
}

function Doing({ draft: { content, change }, known }: PartProps) {
  const t = useT("agents");
  const business = useBusiness();
  const colleagues = business.extensions.map(({ extension, name }) => ({
    value: extension,
    label: name ? `${extension} · ${name}` : extension,
  }));
  return (
    <>
      <Panel title={t("part.tools")} about={t("tools_about")}>
        <Stack gap="md">
          {KINDS.map((kind) => (
            <Tools key={kind} kind={kind} content={content} change={change} tools={known.tools.filter((tool) => tool.kind === kind)} />
          ))}
          <FaultText path="tools" />
        </Stack>
      </Panel>
      <Panel title={t("part.colleagues")} about={t("colleagues_about")}>
        <TagsInput
          aria-label={t("part.colleagues")}
          placeholder={t("colleagues_hint")}
          data={colleagues}
          maxTags={200}
          value={content.transfer_to ?? []}
          error={useFaultAt("transfer_to")}
          onChange={(transfer_to) => change({ transfer_to })}
        />
      </Panel>
    </>
  );
}

const KINDS = ["reads", "records", "contacts", "controls"] as const;

interface ToolsProps extends Pick<Draft, "content" | "change"> {
  kind: (typeof KINDS)[number];
  tools: Schema<"ToolOption">[];
}

/** The tools of one sort: those to choose from, and those that every agent has. */
function Tools({ kind, tools, content, change }: ToolsProps) {
  const t = useT("agents");
  const given = content.tools ?? [];
  const named = (name: string) => t([`tool.${name}`, "tool.other"], { name });
  const builtIn = tools.filter((tool) => tool.built_in);
  const lacksColleagues = (content.transfer_to ?? []).length === 0 && builtIn.some(({ needs }) => needs === "colleagues");
  if (tools.length === 0) {
    return null;
  }
  return (
    <Fieldset
      variant="unstyled"
      legend={
        <Text span size="sm" fw={600}>
          {t(`tool_kind.${kind}`)}
        </Text>
      }
    >
      <Text size="xs" c="dimmed" mb="xs">
        {t(`tool_kind_about.${kind}`)}
      </Text>
      <Stack gap="xs">
        {tools
          .filter((tool) => !tool.built_in)
          .map(({ name, description, needs, available }) => (
            <Checkbox
              key={name}
              label={named(name)}
              description={
                <>
                  {t([`tool_about.${name}`, "tool.other"], { name: description })}
                  {!available && (
                    <Text span display="block" size="xs" c="orange" fw={500}>
                      {t([`tool_needs.${needs}`, "tool_needs.other"], { needs })}
                    </Text>
                  )}
                </>
              }
              checked={given.includes(name)}
              onChange={(event) => {
                const rest = given.filter((one) => one !== name);
                change({ tools: event.currentTarget.checked ? [...rest, name] : rest });
              }}
            />
          ))}
        {builtIn.length > 0 && (
          <Text size="sm">{t("tools_built_in", { names: builtIn.map(({ name }) => named(name)).join(", ") })}</Text>
        )}
        {lacksColleagues && (
          <Text size="xs" c="orange" fw={500}>
            {t("tool_needs.colleagues")}
          </Text>
        )}
      </Stack>
    </Fieldset>
  );
}
