// Leads as a file: asked for with the filters that one sees, written by a job, fetched for a day.

import { Button, Group, Modal, Radio, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconDownload, IconFileExport } from "@tabler/icons-react";
import { useState } from "react";
import type { Conditions } from "@/features/leads/filters";
import { addressed, api, client, type Schema } from "@/lib/api";
import { useLanguage, useNumbers, useT } from "@/lib/i18n";
import { Answer } from "@/ui/Answer";
import { Moment } from "@/ui/Moment";
import { ProgressBar } from "@/ui/ProgressBar";
import { StatusBadge, type Tone } from "@/ui/StatusBadge";
import { useAct } from "@/ui/act";

type Export = Schema<"ExportOut">;

const TONES: Record<string, Tone> = {
  waiting: "wait", writing: "busy", ready: "good", cancelled: "quiet", failed: "bad", gone: "quiet",
};
const SHOWN = 5;

export function ExportLeads({ conditions, narrowed }: { conditions: Conditions; narrowed: boolean }) {
  const t = useT("leadflow");
  const [opened, { open, close }] = useDisclosure();
  return (
    <>
      <Button variant="default" leftSection={<IconFileExport size={16} />} onClick={open}>
        {t("export.button")}
      </Button>
      <Modal opened={opened} onClose={close} title={t("export.title")} size="lg" closeButtonProps={{ "aria-label": t("close") }}>
        {opened && <Exports conditions={conditions} narrowed={narrowed} />}
      </Modal>
    </>
  );
}

function Exports({ conditions, narrowed }: { conditions: Conditions; narrowed: boolean }) {
  const t = useT("leadflow");
  const act = useAct();
  const language = useLanguage();
  const [format, setFormat] = useState<"csv" | "xlsx">("xlsx");
  const [busy, setBusy] = useState(false);
  const found = api.useQuery("get", "/api/lead-exports", { params: { query: { limit: SHOWN } } });
  const begin = async () => {
    setBusy(true);
    await act(() => client.POST("/api/lead-exports", { body: { format, language, filter: { status_id: [], ...conditions } } }));
    setBusy(false);
  };
  return (
    <Stack>
      <Text size="sm">{t(narrowed ? "export.of_filter" : "export.of_all")}</Text>
      <Radio.Group value={format} onChange={(value) => setFormat(value as "csv" | "xlsx")} label={t("export.format")}>
        <Group mt={4}>
          <Radio value="xlsx" label={t("export.xlsx")} />
          <Radio value="csv" label={t("export.csv")} />
        </Group>
      </Radio.Group>
      <Group>
        <Button loading={busy} onClick={() => void begin()} leftSection={<IconFileExport size={16} />}>
          {t("export.begin")}
        </Button>
      </Group>
      <Answer of={found}>
        {(rows) => (
          <Stack gap="xs" component="ul" p={0} m={0} style={{ listStyle: "none" }} aria-label={t("export.made")}>
            {rows.map((row) => (
              <OneExport key={row.id} made={row} />
            ))}
          </Stack>
        )}
      </Answer>
    </Stack>
  );
}

function OneExport({ made }: { made: Export }) {
  const t = useT("leadflow");
  const act = useAct();
  const numbers = useNumbers();
  const params = { path: { export_id: made.id } };
  const goesOn = made.state === "waiting" || made.state === "writing";
  return (
    <li data-state={made.state}>
      <Group justify="space-between" gap="xs">
        <div>
          <Group gap="xs">
            <StatusBadge tone={TONES[made.state] ?? "odd"}>{t(`export.state.${made.state}`)}</StatusBadge>
            <Text size="sm">{t("export.count", { count: goesOn ? made.total : made.done, n: numbers.whole(goesOn ? made.total : made.done) })}</Text>
            <Text size="sm">{t(`export.${made.format}`)}</Text>
          </Group>
          <Text size="xs" c="dimmed">
            <Moment at={made.created_at} />, <bdi dir="ltr">{made.created_by}</bdi>
            {made.state === "ready" && made.expires_at && (
              <>
                {" · "}
                {t("export.until")} <Moment at={made.expires_at} how="dateTime" />
              </>
            )}
            {made.state === "failed" && made.error && <bdi> · {made.error}</bdi>}
          </Text>
        </div>
        {goesOn && (
          <Button size="xs" variant="default" onClick={() => void act(() => client.POST("/api/lead-exports/{export_id}/cancel", { params }))}>
            {t("export.cancel")}
          </Button>
        )}
        {made.state === "ready" && (
          <Button size="xs" component="a" href={addressed(`/api/lead-exports/${made.id}/file`)} download leftSection={<IconDownload size={14} />}>
            {t("export.fetch")}
          </Button>
        )}
      </Group>
      {made.state === "writing" && <ProgressBar label={t("export.title")} total={made.total} parts={[{ tone: "busy", count: Math.min(made.done, made.total) }]} />}
    </li>
  );
}
