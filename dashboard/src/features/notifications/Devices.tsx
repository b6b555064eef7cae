// The devices on which one is told, this one first.

import { Button, Group, MultiSelect, Stack, Text } from "@mantine/core";
import { IconBellRinging } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, client, type Schema } from "@/lib/api";
import { ApiError, NoAnswer } from "@/lib/errors";
import { useT } from "@/lib/i18n";
import { useAct } from "@/ui/act";
import { Answer } from "@/ui/Answer";
import { DataTable, type Column } from "@/ui/DataTable";
import { Moment } from "@/ui/Moment";
import { Notice } from "@/ui/Notice";
import { Panel } from "@/ui/Panel";
import { StatusBadge } from "@/ui/StatusBadge";
import { canBeTold, hereOf, subscribeHere, unsubscribeHere } from "./push";

type Device = Schema<"DeviceOut">;

export function Devices() {
  const t = useT("notifications");
  const devices = api.useQuery("get", "/api/push/devices");
  const here = useQuery({ queryKey: ["this-device"], queryFn: hereOf });
  return (
    <Panel title={t("devices.title")} about={t("devices.about")}>
      <Stack gap="sm">
        <Answer of={devices}>
          {({ devices: rows }) => (
            <>
              <Here device={rows.find((device) => device.endpoint_hash === here.data)} />
              {rows.length > 0 && <Table rows={rows} here={here.data ?? null} />}
            </>
          )}
        </Answer>
      </Stack>
    </Panel>
  );
}

function Here({ device }: { device: Device | undefined }) {
  const t = useT("notifications");
  const act = useAct();
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<string | null>(null);
  const remove = useRemove();
  if (!canBeTold()) return <Notice>{t("devices.unsupported")}</Notice>;
  const enable = async () => {
    setFault(null);
    setBusy(true);
    try {
      if (await subscribeHere()) await act(() => Promise.resolve(), t("devices.enabled"));
      else setFault(t("devices.denied"));
    } catch (error) {
      if (error instanceof ApiError || error instanceof NoAnswer) await act(() => Promise.reject(error));
      else setFault(t("devices.failed", { why: error instanceof Error ? error.message : String(error) }));
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      {fault && <Notice>{fault}</Notice>}
      <Group>
        {device ? (
          <Button variant="default" onClick={() => void remove(device, true)}>
            {t("devices.disable")}
          </Button>
        ) : (
          <Button leftSection={<IconBellRinging size={16} />} loading={busy} onClick={() => void enable()}>
            {t("devices.enable")}
          </Button>
        )}
      </Group>
    </>
  );
}

function useRemove(): (device: Device, isHere: boolean) => Promise<boolean> {
  const t = useT("notifications");
  const act = useAct();
  return (device, isHere) =>
    act(
      async () => {
        await client.DELETE("/api/push/devices/{device_id}", { params: { path: { device_id: device.id } } });
        if (isHere) await unsubscribeHere();
      },
      t(isHere ? "devices.disabled" : "devices.removed"),
    );
}

function Table({ rows, here }: { rows: Device[]; here: string | null }) {
  const t = useT("notifications");
  const act = useAct();
  const remove = useRemove();
  const choices = api.useQuery("get", "/api/notification-choices");
  const nameOf = (device: Device) => device.name || t("devices.unknown");
  const columns: Column<Device>[] = [
    {
      id: "name",
      header: t("devices.name"),
      cell: (device) => (
        <Group gap="xs">
          <bdi>{nameOf(device)}</bdi>
          {device.endpoint_hash === here && <StatusBadge tone="good">{t("devices.here")}</StatusBadge>}
        </Group>
      ),
    },
    {
      id: "kinds",
      header: t("devices.kinds"),
      cell: (device) => (
        <MultiSelect
          size="xs"
          aria-label={t("devices.kinds_of", { name: nameOf(device) })}
          placeholder={device.kinds ? undefined : t("devices.all")}
          data={(choices.data?.kinds ?? []).map(({ kind }) => ({ value: kind, label: t([`kind.${kind}.name`, "kind.other.text"]) }))}
          value={device.kinds ?? []}
          clearable
          miw="12rem"
          onChange={(kinds) =>
            void act(() =>
              client.PATCH("/api/push/devices/{device_id}", {
                params: { path: { device_id: device.id } },
                body: { kinds: kinds.length > 0 ? kinds : null },
              }),
            )
          }
        />
      ),
    },
    {
      id: "told",
      header: t("devices.told"),
      cell: (device) =>
        device.told_at ? (
          <Moment at={device.told_at} />
        ) : (
          <Text size="sm" c="dimmed">
            {t("devices.never")}
          </Text>
        ),
      wide: true,
    },
    {
      id: "acts",
      header: "",
      end: true,
      cell: (device) => (
        <Group gap="xs" justify="flex-end" wrap="nowrap">
          <Button
            variant="default"
            size="xs"
            aria-label={t("devices.try_named", { name: nameOf(device) })}
            onClick={() =>
              void act(
                () => client.POST("/api/push/devices/{device_id}/try", { params: { path: { device_id: device.id } } }),
                t("devices.tried"),
              )
            }
          >
            {t("devices.try")}
          </Button>
          <Button
            variant="subtle"
            color="red"
            size="xs"
            aria-label={t("devices.remove_named", { name: nameOf(device) })}
            onClick={() => void remove(device, device.endpoint_hash === here)}
          >
            {t("devices.remove")}
          </Button>
        </Group>
      ),
    },
  ];
  return <DataTable label={t("devices.title")} columns={columns} rows={rows} keyOf={(device) => device.id} least="34rem" />;
}
