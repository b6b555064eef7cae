// The import wizard: a file, what its columns hold, and the list that it becomes.

import { Alert, Button, Checkbox, FileButton, Group, Progress, Select, Stack, Stepper, Text, TextInput } from "@mantine/core";
import { IconFileSpreadsheet } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState, type DragEvent, type FormEvent } from "react";
import { useOwnNames } from "@/features/leads/useOwn";
import type { Schema } from "@/lib/api";
import { useNumbers, useT } from "@/lib/i18n";
import { useTime } from "@/lib/time";
import { DataTable } from "@/ui/DataTable";
import { ErrorNote } from "@/ui/ErrorNote";
import { Loading } from "@/ui/Loading";
import { PageHeader } from "@/ui/PageHeader";
import { Panel } from "@/ui/Panel";
import { useFault } from "./fault";
import classes from "./ImportPage.module.css";
import { upload } from "@/lib/upload";
import { previewOf, type Mapping, type Preview } from "./preview";

const KINDS = ".csv,.tsv,.txt,.xlsx";
const SHOWN = ["phone", "name", "email", "notes", "consent"] as const;

export default function ImportPage() {
  const t = useT("lists");
  const navigate = useNavigate();
  const [step, setStep] = useState(0);
  const [file, setFile] = useState<File | null>(null);
  const [seen, setSeen] = useState<Preview | null>(null);
  const [name, setName] = useState("");
  const [looking, setLooking] = useState(false);
  const [share, setShare] = useState<number | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [agreed, setAgreed] = useState<Agreed | null>(null);
  const newest = useRef(0);
  const sending = useRef<AbortController | null>(null);
  // Who leaves does not want it, and is not to be called back when it is done.
  useEffect(() => () => sending.current?.abort(), []);

  const look = async (of: File, mapping: Mapping | null) => {
    const mine = ++newest.current;
    setLooking(true);
    setError(null);
    try {
      const preview = await previewOf(of, mapping);
      if (mine !== newest.current) return;
      setSeen(preview);
      setStep((now) => Math.max(now, 1));
    } catch (failure) {
      if (mine === newest.current) setError(failure);
    } finally {
      if (mine === newest.current) setLooking(false);
    }
  };
  const take = (chosen: File | null | undefined) => {
    if (!chosen) return;
    setFile(chosen);
    setSeen(null);
    setStep(0);
    setName(chosen.name.replace(/\.[^.]*$/, "").slice(0, 200));
    void look(chosen, null);
  };
  const mapping: Mapping = Object.fromEntries(
    (seen?.columns ?? []).flatMap(({ column, field }) => (field ? [[field, column]] : [])),
  );
  const send = async (event: FormEvent) => {
    event.preventDefault();
    if (!file) return;
    newest.current += 1;
    sending.current = new AbortController();
    setShare(0);
    setError(null);
    const form = new FormData();
    form.append("name", name.trim());
    form.append("file", file);
    form.append("mapping", JSON.stringify(mapping));
    if (agreed) for (const [field, value] of Object.entries(agreed)) form.append(field, value);
    try {
      const begun = await upload<Schema<"LeadImportOut">>("/api/lead-imports", form, setShare, sending.current.signal);
      await navigate({ to: `/lists/imports/${begun.id}` });
    } catch (failure) {
      setShare(null);
      setError(failure);
    }
  };

  return (
    <>
      <PageHeader title={t("wizard.title")} about={t("wizard.about")} back={{ to: "/lists", label: t("title") }} />
      <form onSubmit={(event) => void send(event)}>
        <Stepper active={step} onStepClick={setStep} size="sm" allowNextStepsSelect={false}>
          <Stepper.Step label={t("wizard.file")} description={file && <bdi>{file.name}</bdi>}>
            <DropPlace take={take} />
          </Stepper.Step>
          <Stepper.Step label={t("wizard.columns")}>
            {seen && file && (
              <Columns seen={seen} mapping={mapping} looking={looking} change={(next) => void look(file, next)} />
            )}
          </Stepper.Step>
          <Stepper.Step label={t("wizard.list")}>
            <Panel>
              <Stack maw={480}>
                <TextInput
                  label={t("wizard.name")}
                  required
                  maxLength={200}
                  dir="auto"
                  value={name}
                  onChange={(event) => setName(event.currentTarget.value)}
                />
                <Text size="sm" c="dimmed">
                  {t(mapping.consent ? "wizard.consent_from_file" : "wizard.consent_unsaid")}
                </Text>
                <Agreement agreed={agreed} change={setAgreed} />
                {share !== null && (
                  <>
                    <Progress value={share * 100} aria-label={t("wizard.sending")} />
                    <Text size="sm" c="dimmed">
                      {t("wizard.sending")}
                    </Text>
                  </>
                )}
              </Stack>
            </Panel>
          </Stepper.Step>
        </Stepper>
        <Stack mt="md">
          {error !== null && <ErrorNote error={error} />}
          {looking && step === 0 && <Loading />}
          {step > 0 && (
            <Group justify="space-between">
              <Button variant="default" onClick={() => setStep(step - 1)} disabled={share !== null}>
                {t("wizard.back")}
              </Button>
              {/* Keys of their own: else the one that goes on becomes, under the pointer, the one that sends. */}
              {step === 1 ? (
                <Button key="on" disabled={!mapping.phone || looking} onClick={() => setStep(2)}>
                  {t("wizard.on")}
                </Button>
              ) : (
                <Button key="send" type="submit" loading={share !== null} disabled={!name.trim()}>
                  {t("wizard.begin")}
                </Button>
              )}
            </Group>
          )}
        </Stack>
      </form>
    </>
  );
}

/** What whoever imports says of everybody in the file, as the API takes it. */
interface Agreed {
  consent: "express" | "written";
  consent_on: string;
  consent_source: string;
}

function Agreement({ agreed, change }: { agreed: Agreed | null; change: (agreed: Agreed | null) => void }) {
  const t = useT("lists");
  const time = useTime();
  const today = time.dayKey(new Date());
  return (
    <Stack gap="sm">
      <Checkbox
        label={t("wizard.consent_all")}
        description={t("wizard.consent_all_about")}
        checked={agreed !== null}
        onChange={(event) =>
          change(event.currentTarget.checked ? { consent: "express", consent_on: today, consent_source: "" } : null)
        }
      />
      {agreed && (
        <>
          <Select
            label={t("wizard.consent_kind")}
            value={agreed.consent}
            allowDeselect={false}
            onChange={(consent) => change({ ...agreed, consent: consent === "written" ? "written" : "express" })}
            data={(["express", "written"] as const).map((value) => ({ value, label: t(`consent.${value}`) }))}
          />
          <TextInput
            type="date"
            label={t("wizard.consent_on")}
            required
            max={today}
            value={agreed.consent_on}
            onChange={(event) => change({ ...agreed, consent_on: event.currentTarget.value })}
          />
          <TextInput
            label={t("wizard.consent_how")}
            description={t("wizard.consent_how_hint")}
            required
            maxLength={300}
            dir="auto"
            value={agreed.consent_source}
            onChange={(event) => change({ ...agreed, consent_source: event.currentTarget.value })}
          />
        </>
      )}
    </Stack>
  );
}

function DropPlace({ take }: { take: (file: File | null | undefined) => void }) {
  const t = useT("lists");
  const [over, setOver] = useState(false);
  const forget = useRef<() => void>(null);
  const drag = (is: boolean) => (event: DragEvent) => {
    event.preventDefault();
    setOver(is);
  };
  return (
    <div
      className={classes.drop}
      data-over={over || undefined}
      onDragOver={drag(true)}
      onDragLeave={drag(false)}
      onDrop={(event) => {
        drag(false)(event);
        take(event.dataTransfer.files[0]);
      }}
    >
      <IconFileSpreadsheet size={40} stroke={1.4} aria-hidden />
      <Text>{t("wizard.drop")}</Text>
      <FileButton
        onChange={(file) => {
          take(file);
          // A browser tells of no change where the same file, put right meanwhile, is chosen again.
          forget.current?.();
        }}
        resetRef={forget}
        accept={KINDS}
        inputProps={{ "aria-label": t("wizard.choose") }}
      >
        {(props) => <Button {...props}>{t("wizard.choose")}</Button>}
      </FileButton>
      <Text size="sm" c="dimmed" ta="center" maw="32rem">
        {t("wizard.needs")}
      </Text>
    </div>
  );
}

function Columns({
  seen, mapping, looking, change,
}: { seen: Preview; mapping: Mapping; looking: boolean; change: (mapping: Mapping) => void }) {
  const t = useT("lists");
  const faultOf = useFault();
  const numbers = useNumbers();
  const own = useOwnNames();
  const choose = (column: number, field: string) => {
    // A field is held by one column, and a column holds one field.
    const rest = Object.entries(mapping).filter(([other, at]) => at !== column && other !== field);
    change({ ...Object.fromEntries(rest), ...(field && { [field]: column }) });
  };
  const faults = seen.rows.filter((row) => row.reason).length;
  const shown = SHOWN.filter((key) => key === "phone" || seen.rows.some((row) => row[key] && row[key] !== "none"));
  return (
    <Stack>
      <Panel title={t("wizard.what")} about={t("wizard.what_about")}>
        <div className={classes.columns}>
          {seen.columns.map(({ column, header, field }) => (
            <Select
              key={column}
              label={<bdi>{header || t("wizard.column", { number: column })}</bdi>}
              value={field ?? ""}
              allowDeselect={false}
              onChange={(value) => choose(column, value ?? "")}
              data={[
                { value: "", label: t("field.none") },
                ...seen.fields.map((value) => ({ value, label: own(value) ?? t(`field.${value}`) })),
              ]}
            />
          ))}
        </div>
      </Panel>
      {!mapping.phone && (
        <Alert color="yellow" role="alert">
          {t("wizard.no_phone")}
        </Alert>
      )}
      <Panel
        title={t("wizard.first")}
        about={[faults > 0 && t("wizard.some_faults", { count: faults, of: seen.rows.length }), t("wizard.first_about")].filter(Boolean).join(" ")}
      >
        <div aria-busy={looking}>
          <DataTable
            label={t("wizard.first")}
            rows={seen.rows}
            keyOf={(row) => String(row.line)}
            columns={[
              { id: "line", header: t("line"), end: true, cell: (row) => numbers.whole(row.line) },
              ...shown.map((key) => ({
                id: key,
                header: t(`field.${key}`),
                cell: (row: Schema<"PreviewRowOut">) => <bdi>{key === "consent" && row.consent ? t(`consent.${row.consent}`) : row[key]}</bdi>,
              })),
              { id: "reason", header: t("reason"), cell: (row) => row.reason && <Text c="red" size="sm" span><bdi>{faultOf(row)}</bdi></Text> },
            ]}
          />
        </div>
      </Panel>
    </Stack>
  );
}
