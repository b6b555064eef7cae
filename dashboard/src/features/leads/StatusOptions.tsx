// What an admin can do with a column of the board, in its place.

import { ActionIcon, Menu, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconArrowLeft, IconArrowRight, IconDots, IconPencil, IconTrash } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { client, type Schema } from "@/lib/api";
import { useNumbers, useT } from "@/lib/i18n";
import { useAct } from "@/ui/act";
import { useConfirm } from "@/ui/confirm";
import type { BoardColumn } from "./arrange";
import { StatusForm } from "./StatusForm";
import type { LeadStatus } from "./words";

export function StatusOptions({ status, columns }: { status: LeadStatus; columns: BoardColumn[] }) {
  const t = useT("leads");
  const numbers = useNumbers();
  const act = useAct();
  const confirm = useConfirm();
  const queries = useQueryClient();
  const [editing, edit] = useDisclosure();
  const params = { path: { status_id: status.id } };
  const at = columns.findIndex((column) => column.status.id === status.id);
  const count = columns[at]?.count ?? 0;
  const readAgain = () => queries.invalidateQueries({ queryKey: ["get", "/api/leads/board"] });
  const place = async (position: number) => {
    const body = { position } as Schema<"StatusChange">;
    await act(() => client.PATCH("/api/lead-statuses/{status_id}", { params, body }));
    await readAgain();
  };
  const remove = async () => {
    const body = t("status.delete_body");
    if (!(await confirm({ title: t("status.delete_title", { name: status.name }), body, confirm: t("status.delete") }))) return;
    await act(() => client.DELETE("/api/lead-statuses/{status_id}", { params }), t("status.deleted"));
    await readAgain();
  };
  return (
    <>
      <Menu shadow="md" position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" size="sm" aria-label={t("status.options", { name: status.name })}>
            <IconDots size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconPencil size={16} />} onClick={edit.open}>
            {t("status.edit")}
          </Menu.Item>
          <Menu.Item
            leftSection={<IconArrowLeft size={16} className="points" />}
            disabled={at <= 0}
            onClick={() => void place(status.position - 1)}
          >
            {t("status.earlier")}
          </Menu.Item>
          <Menu.Item
            leftSection={<IconArrowRight size={16} className="points" />}
            disabled={at === columns.length - 1}
            onClick={() => void place(status.position + 1)}
          >
            {t("status.later")}
          </Menu.Item>
          {!status.is_initial && (
            <Menu.Item
              color="red"
              leftSection={<IconTrash size={16} />}
              disabled={count > 0}
              onClick={() => void remove()}
            >
              {t("status.delete")}
              {count > 0 && (
                <Text size="xs" c="dimmed">
                  {t("status.not_empty", { count, n: numbers.whole(count) })}
                </Text>
              )}
            </Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      <StatusForm opened={editing} close={edit.close} status={status} />
    </>
  );
}
