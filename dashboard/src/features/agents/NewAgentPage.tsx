import { Button, Card, Group, Radio, Select, SimpleGrid, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState, type FormEvent } from "react";
import { useBrainName, useLanguageName } from "@/features/agents/words";
import { api, client, type Schema } from "@/lib/api";
import { NoAnswer } from "@/lib/errors";
import { useT } from "@/lib/i18n";
import { useBusiness } from "@/lib/session";
import { useAct } from "@/ui/act";
import { Answer } from "@/ui/Answer";
import { ButtonLink } from "@/ui/LinkTo";
import { PageHeader } from "@/ui/PageHeader";

/** What the ready-made dialogues use, so that a new agent can do it. */
const USUAL_TOOLS = ["find_free_slots", "book_appointment", "do_not_call", "request_callback"];
const LONGEST_INSTRUCTIONS = 100_000;

export default function NewAgentPage() {
  const t = useT("agents");
  const options = api.useQuery("get", "/api/agent-options");
  return (
    <>
      <PageHeader title={t("new.title")} about={t("new.about")} back={{ to: "/agents", label: t("title") }} />
      <Answer of={options}>{(known) => <NewAgent known={known} />}</Answer>
    </>
  );
}

function NewAgent({ known }: { known: Schema<"AgentOptions"> }) {
  const t = useT("agents");
  const act = useAct();
  const navigate = useNavigate();
  const business = useBusiness();
  const languageName = useLanguageName();
  const brainName = useBrainName();
  const [name, setName] = useState("");
  const [language, setLanguage] = useState(known.languages.includes(business.language) ? business.language : "en");
  const [from, setFrom] = useState(`script:${known.dialogues[0] ?? ""}`);
  const [instructions, setInstructions] = useState("");
  const [busy, setBusy] = useState(false);
  const [kind, which = ""] = from.split(":");
  const models = known.brains.filter((brain) => brain.kind !== "scripted");

  async function create(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    await act(async () => {
      const tools = known.tools.map((tool) => tool.name).filter((tool) => USUAL_TOOLS.includes(tool));
      const own =
        kind === "script"
          ? { brain: "scripted", script: await dialogue(which), instructions: "" }
          : { brain: which, script: null, instructions };
      const body = { name, language, tools, greeting: "", note: "", ...own };
      const { data } = await client.POST("/api/agents", { body });
      if (data) await navigate({ to: `/agents/${data.id}` });
    }, t("new.done"));
    setBusy(false);
  }

  return (
    <form onSubmit={(event) => void create(event)}>
      <Stack gap="md" maw="52rem">
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <TextInput
            label={t("field.name")}
            description={t("new.name_about")}
            required
            maxLength={200}
            data-autofocus
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Select
            label={t("field.language")}
            description={t("new.language_about")}
            allowDeselect={false}
            data={known.languages.map((code) => ({ value: code, label: languageName(code) }))}
            value={language}
            onChange={(value) => value && setLanguage(value)}
          />
        </SimpleGrid>
        <Radio.Group label={t("new.from")} value={from} onChange={setFrom} required>
          <Stack gap="xs" mt="xs">
            {known.dialogues.map((dialogueName) => (
              <Choice
                key={dialogueName}
                value={`script:${dialogueName}`}
                title={t([`dialogue.${dialogueName}`, "dialogue.other"], { name: dialogueName })}
                about={t([`dialogue_about.${dialogueName}`, "dialogue.other"], { name: dialogueName })}
              />
            ))}
            {models.map((brain) => (
              <Choice
                key={brain.name}
                value={`brain:${brain.name}`}
                title={brainName(brain.name)}
                about={t(`brain_kind.${brain.kind}`)}
              />
            ))}
          </Stack>
        </Radio.Group>
        {models.length === 0 && (
          <Text size="sm" c="dimmed">
            {t("new.no_models")}
          </Text>
        )}
        {kind === "brain" && (
          <Textarea
            label={t("field.instructions")}
            description={t("instructions_about")}
            required
            autosize
            minRows={8}
            maxLength={LONGEST_INSTRUCTIONS}
            dir="auto"
            value={instructions}
            onChange={(event) => setInstructions(event.currentTarget.value)}
          />
        )}
        <Group>
          <Button type="submit" loading={busy}>
            {t("new.create")}
          </Button>
          <ButtonLink to="/agents" variant="default">
            {t("new.cancel")}
          </ButtonLink>
        </Group>
      </Stack>
    </form>
  );
}

async function dialogue(name: string): Promise<Record<string, unknown>> {
  const { data } = await client.GET("/api/agent-options/dialogues/{name}", { params: { path: { name } } });
  if (!data) throw new NoAnswer("The dialogue was not told of.");
  return data;
}

function Choice({ value, title, about }: { value: string; title: string; about: string }) {
  return (
    <Card withBorder padding="sm" component="label">
      <Radio value={value} label={title} description={about} />
    </Card>
  );
}
