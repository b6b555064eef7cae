import { Alert, Button, FileButton, Group, List, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { IconPhoneOff, IconTrash, IconUpload } from "@tabler/icons-react";
import { keepPreviousData, useQueryClient } from "@tanstack/react-query";
import { useRef, useState, type FormEvent } from "react";
import { useFault } from "@/features/lists/fault";
import { upload } from "@/lib/upload";
import { useFilters } from "@/lib/address";
import { api, client, type Schema } from "@/lib/api";
import { useErrorWords } from "@/lib/errors";
import { useNumbers, useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { Answer } from "@/ui/Answer";
import { DataTable } from "@/ui/DataTable";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorNote } from "@/ui/ErrorNote";
import { Moment } from "@/ui/Moment";
import { PageHeader } from "@/ui/PageHeader";
import { Pager, usePages } from "@/ui/Pager";
import { Panel } from "@/ui/Panel";
import { SearchInput } from "@/ui/SearchInput";
import { useAct } from "@/ui/act";
import { useConfirm } from "@/ui/confirm";
import { useBecause } from "./because";

const A_PAGE = 50;

export default function SuppressionPage() {
  const t = useT("calling");
  const because = useBecause();
  const { may } = useSession();
  const confirm = useConfirm();
  const act = useAct();
  const again = useListAgain();
  const [{ q }, setFilters] = useFilters({ q: "" });
  const pages = usePages(q);
  const numbers = api.useQuery(
    "get",
    "/api/suppressions",
    { params: { query: { limit: A_PAGE, cursor: pages.cursor, ...(q && { search: q }) } } },
    { placeholderData: keepPreviousData },
  );
  const remove = async (phone: string) => {
    const sure = await confirm({
      title: t("list.remove_title"),
      body: t("list.remove_body", { phone }),
      confirm: t("list.remove_yes"),
    });
    if (!sure) return;
    await act(() => client.DELETE("/api/suppressions/{phone}", { params: { path: { phone } } }), t("list.removed"));
    await again();
  };
  return (
    <>
      <PageHeader title={t("list.title")} about={t("list.about")}>
        {may("admin") && <UploadList />}
      </PageHeader>
      <Stack>
        {may("agent") && <AddNumber />}
        <SearchInput label={t("list.search")} value={q} onChange={(words) => setFilters({ q: words })} />
        <Answer of={numbers}>
          {({ suppressions: rows, next_cursor: following }) =>
            rows.length === 0 && !q && pages.page === 1 ? (
              <EmptyState icon={IconPhoneOff} title={t("list.none.title")} body={t("list.none.body")} />
            ) : (
              <>
                {rows.length === 0 ? (
                  <Text c="dimmed">{t("list.none.such")}</Text>
                ) : (
                  <DataTable
                    label={t("list.title")}
                    rows={rows}
                    keyOf={(row) => row.phone}
                    columns={[
                      { id: "phone", header: t("phone"), whole: true, cell: (row) => <bdi dir="ltr">{row.phone}</bdi> },
                      {
                        id: "reason",
                        header: t("list.reason"),
                        cell: (row) => <bdi>{because(row.reason)}</bdi>,
                      },
                      { id: "source", header: t("list.source"), cell: (row) => t([`list.from.${row.source}`, "list.from.other"], { source: row.source }) },
                      { id: "at", header: t("list.since"), whole: true, cell: (row) => <Moment at={row.created_at} /> },
                      {
                        id: "remove",
                        header: "",
                        end: true,
                        cell: (row) =>
                          may("admin") && (
                            <Button
                              size="compact-sm"
                              variant="subtle"
                              color="red"
                              leftSection={<IconTrash size={14} />}
                              aria-label={t("list.remove_named", { phone: row.phone })}
                              onClick={() => void remove(row.phone)}
                            >
                              {t("list.remove")}
                            </Button>
                          ),
                      },
                    ]}
                  />
                )}
                <Pager pages={pages} following={following} busy={numbers.isPlaceholderData} />
              </>
            )
          }
        </Answer>
      </Stack>
    </>
  );
}

function useListAgain(): () => Promise<void> {
  const queries = useQueryClient();
  return () => queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey[1] === "/api/suppressions" });
}

function AddNumber() {
  const t = useT("calling");
  const words = useErrorWords();
  const again = useListAgain();
  const [phone, setPhone] = useState("");
  const [reason, setReason] = useState("");
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<string | null>(null);
  const add = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    const body = { phone, reason: reason.trim() || "asked" };
    try {
      await client.POST("/api/suppressions", { body });
    } catch (failure) {
      const { title, detail } = words(failure);
      setFault([title, detail].filter(Boolean).join(" "));
      return;
    } finally {
      setBusy(false);
    }
    setFault(null);
    setPhone("");
    setReason("");
    notifications.show({ color: "trunk", message: t("list.added") });
    await again();
  };
  return (
    <Panel>
      <form onSubmit={(event) => void add(event)}>
        <Group align="flex-start">
          <TextInput
            label={t("list.number")} type="tel" required maxLength={50} dir="ltr" value={phone}
            w={{ base: "100%", xs: "15rem" }} error={fault} errorProps={{ role: "alert" }}
            onChange={(event) => setPhone(event.currentTarget.value)}
          />
          <TextInput label={t("list.reason")} placeholder={t("list.because.asked")} maxLength={200} dir="auto" value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
          {/* In line with the fields, whose labels stand above them. */}
          <Button type="submit" mt={{ base: 0, xs: "1.55rem" }} loading={busy} disabled={!phone.trim()}>
            {t("list.add")}
          </Button>
        </Group>
      </form>
    </Panel>
  );
}

function UploadList() {
  const t = useT("calling");
  const faultOf = useFault();
  const numbers = useNumbers();
  const again = useListAgain();
  const [opened, { open, close }] = useDisclosure();
  const [busy, setBusy] = useState(false);
  const forget = useRef<() => void>(null);
  const [taken, setTaken] = useState<Schema<"UploadOut"> | null>(null);
  const [error, setError] = useState<unknown>(null);
  const send = async (file: File | null) => {
    if (!file) return;
    // A browser tells of no change where the same file, put right meanwhile, is chosen again.
    forget.current?.();
    setBusy(true);
    setError(null);
    setTaken(null);
    const form = new FormData();
    form.append("file", file);
    try {
      setTaken(await upload<Schema<"UploadOut">>("/api/suppressions/upload", form, () => undefined));
      await again();
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Button variant="default" leftSection={<IconUpload size={16} />} onClick={open}>
        {t("upload.button")}
      </Button>
      <Modal opened={opened} onClose={close} title={t("upload.button")} closeButtonProps={{ "aria-label": t("close") }}>
        <Stack>
          <Text size="sm">{t("upload.about")}</Text>
          <FileButton onChange={(file) => void send(file)} resetRef={forget} accept=".csv,.txt,.xlsx" inputProps={{ "aria-label": t("upload.choose") }}>
            {(props) => (
              <Button {...props} loading={busy}>
                {t("upload.choose")}
              </Button>
            )}
          </FileButton>
          {error !== null && <ErrorNote error={error} />}
          {taken && (
            <Alert color={taken.unusable > 0 ? "yellow" : "green"} role="status">
              {t("upload.taken", { read: numbers.whole(taken.read), added: numbers.whole(taken.added), unusable: numbers.whole(taken.unusable) })}
              {taken.faults.length > 0 && (
                <List size="sm" mt="xs">
                  {taken.faults.map((fault) => (
                    <List.Item key={fault.line}>
                      {t("upload.line", { line: fault.line })} <bdi>{faultOf(fault)}</bdi>
                    </List.Item>
                  ))}
                </List>
              )}
            </Alert>
          )}
        </Stack>
      </Modal>
    </>
  );
}
