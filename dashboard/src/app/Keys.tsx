// The keyboard: what works everywhere, and the list of it.

import { Kbd, Table } from "@mantine/core";
import { modals } from "@mantine/modals";
import { useT } from "@/lib/i18n";

const KEYS: [string[], string][] = [
  [["Ctrl", "K"], "keys.palette"],
  [["?"], "keys.help"],
  [["Tab"], "keys.tab"],
  [["Esc"], "keys.escape"],
];

export function openKeys(): void {
  modals.open({ title: <KeysTitle />, children: <KeysTable /> });
}

function KeysTitle() {
  return useT("shell")("keys.title");
}

function KeysTable() {
  const t = useT("shell");
  return (
    <Table>
      <Table.Tbody>
        {KEYS.map(([keys, meaning]) => (
          <Table.Tr key={meaning}>
            <Table.Td dir="ltr">
              {keys.map((key) => (
                <Kbd key={key} me={4}>
                  {key}
                </Kbd>
              ))}
            </Table.Td>
            <Table.Td>{t(meaning)}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
