// What differs between two versions, place by place; texts line by line.

import { Stack, Text } from "@mantine/core";
import type { Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { linesOf, type DiffLine } from "@/features/agents/lines";
import classes from "./Differences.module.css";

type Difference = Schema<"DifferenceOut">;

/** `turned`: the older of the two stands on the other side. */
export function Differences({ found, turned = false }: { found: Difference[]; turned?: boolean }) {
  const t = useT("agents");
  if (found.length === 0) return <Text c="dimmed">{t("compare.same")}</Text>;
  return (
    <Stack gap="sm">
      {found.map(({ path, before, after }) => {
        const [was, is] = turned ? [after, before] : [before, after];
        const [field = "", ...rest] = path;
        return (
          <div key={path.join(".")}>
            <Text size="sm" fw={600}>
              {t(`field.${field}`)}
              {rest.length > 0 && (
                <Text span size="xs" ff="monospace" fw={400} c="dimmed" ms="xs">
                  <bdi dir="ltr">{rest.join(" › ")}</bdi>
                </Text>
              )}
            </Text>
            <div className={classes.lines} dir="auto">
              {linesOf(shown(was), shown(is)).map((line, index) => (
                <Line key={`${index} ${line.kind}`} line={line} />
              ))}
            </div>
          </div>
        );
      })}
    </Stack>
  );
}

function Line({ line: { kind, text } }: { line: DiffLine }) {
  const t = useT("agents");
  if (kind === "skip") return <div className={classes.skip}>⋯</div>;
  const Mark = kind === "gone" ? "del" : kind === "come" ? "ins" : "span";
  const label = kind === "gone" ? t("compare.gone") : kind === "come" ? t("compare.come") : undefined;
  return (
    <Mark className={classes[kind]} aria-label={label && `${label}: ${text}`}>
      {text || "\u00a0"}
    </Mark>
  );
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.every((one) => typeof one === "string")) return value.join("\n");
  return JSON.stringify(value, null, 2);
}
