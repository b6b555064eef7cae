// Tables: columns by description, wide ones scroll inside themselves, rows lead somewhere, some can be chosen.

import { Checkbox, Table } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { type MouseEvent, type ReactNode, useDeferredValue } from "react";
import { useT } from "@/lib/i18n";
import classes from "./DataTable.module.css";

/** Rows that are drawn at once when a table appears or another page of it: what a window shows. The others follow. */
const AT_ONCE = 20;
const NONE: never[] = [];

export interface Column<Row> {
  id: string;
  header: ReactNode;
  cell: (row: Row) => ReactNode;
  /** Figures stand at the line's end, below each other. */
  end?: boolean;
  /** Left out on narrow screens. */
  wide?: boolean;
  /** Never broken into two lines. */
  whole?: boolean;
}

export interface Selection {
  chosen: ReadonlySet<string>;
  onChange: (chosen: ReadonlySet<string>) => void;
}

export interface DataTableProps<Row> {
  /** What the table is, for those who hear it. */
  label: string;
  columns: Column<Row>[];
  rows: Row[];
  keyOf: (row: Row) => string;
  /** Where a click on a row leads. The first cell should hold the same as a link, for the keyboard. */
  to?: (row: Row) => string;
  selection?: Selection;
  /** How a row is called where its box is named: a lead's name. */
  nameOf?: (row: Row) => string;
  /** The narrowest that it can be read at; narrower screens scroll it. */
  least?: string;
}

export function DataTable<Row>({
  label, columns, rows, keyOf, to, selection, nameOf, least = "36rem",
}: DataTableProps<Row>) {
  const t = useT("common");
  const settled = useDeferredValue<Row[]>(rows, NONE);
  const before = new Set(settled.map(keyOf));
  // Rows that were there stay as they are while others change among them.
  const drawn = rows.some((row) => before.has(keyOf(row))) ? rows : rows.slice(0, AT_ONCE);
  const navigate = useNavigate();
  const all = rows.length > 0 && rows.every((row) => selection?.chosen.has(keyOf(row)));
  const some = rows.some((row) => selection?.chosen.has(keyOf(row)));

  const follow = (row: Row) => (event: MouseEvent<HTMLElement>) => {
    const inside = (event.target as HTMLElement).closest("a, button, input, label, [role=button], [role=menuitem]");
    if (!to || inside || getSelection()?.toString()) return;
    void navigate({ to: to(row) });
  };
  const choose = (keys: string[], on: boolean) => {
    const next = new Set(selection?.chosen);
    for (const key of keys) {
      if (on) next.add(key);
      else next.delete(key);
    }
    selection?.onChange(next);
  };

  return (
    <div className={classes.frame} tabIndex={0} role="region" aria-label={label}>
      <Table miw={least} highlightOnHover={to !== undefined}>
        <Table.Thead>
          <Table.Tr>
            {selection && (
              <Table.Th w="2.5rem">
                <Checkbox
                  size="xs"
                  aria-label={t("table.choose_all")}
                  checked={all}
                  indeterminate={some && !all}
                  onChange={(event) => choose(rows.map(keyOf), event.currentTarget.checked)}
                />
              </Table.Th>
            )}
            {columns.map((column) => (
              <Table.Th key={column.id} className={classNames(column, true)} visibleFrom={column.wide ? "md" : undefined}>
                {column.header}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {drawn.map((row) => {
            const key = keyOf(row);
            return (
              <Table.Tr key={key} data-key={key} className={to && classes.leads} onClick={to && follow(row)}>
                {selection && (
                  <Table.Td>
                    <Checkbox
                      size="xs"
                      aria-label={t("table.choose", { name: nameOf?.(row) ?? key })}
                      checked={selection.chosen.has(key)}
                      onChange={(event) => choose([key], event.currentTarget.checked)}
                    />
                  </Table.Td>
                )}
                {columns.map((column) => (
                  <Table.Td key={column.id} className={classNames(column)} visibleFrom={column.wide ? "md" : undefined}>
                    {column.cell(row)}
                  </Table.Td>
                ))}
              </Table.Tr>
            );
          })}
        </Table.Tbody>
      </Table>
    </div>
  );
}

function classNames<Row>(column: Column<Row>, isHeader = false): string {
  return [isHeader && classes.header, column.end && classes.end, (column.whole || column.end) && classes.whole]
    .filter(Boolean)
    .join(" ");
}
