import { Badge, Group, ScrollArea, Text } from "@mantine/core";
import { useEffect, useRef } from "react";
import type { CallState, Told } from "@/features/agents/talk/line";
import { useNumbers, useT } from "@/lib/i18n";
import { Panel } from "@/ui/Panel";
import classes from "./talk.module.css";

/** What was said, as it is said. */
export function Transcript({ call, agentName }: { call: CallState; agentName: string }) {
  const t = useT("talk");
  const end = useRef<HTMLDivElement>(null);
  const lines = call.told.filter(({ kind }) => kind !== "latency");
  const count = lines.length;
  useEffect(() => {
    void end.current?.scrollIntoView({ block: "nearest" });
  }, [count]);
  return (
    <Panel title={t("transcript")}>
      {count === 0 ? (
        <Text size="sm" c="dimmed">
          {t("transcript_empty")}
        </Text>
      ) : (
        <ScrollArea.Autosize mah="32rem" type="auto" viewportProps={{ tabIndex: 0 }}>
          <div className={classes.lines} role="log" aria-label={t("transcript")}>
            {lines.map((line) => (
              <Line key={line.sequence} line={line} told={call.told} agentName={agentName} />
            ))}
            <div ref={end} />
          </div>
        </ScrollArea.Autosize>
      )}
    </Panel>
  );
}

function Line({ line, told, agentName }: { line: Told; told: Told[]; agentName: string }) {
  const t = useT("talk");
  const ofCalls = useT("calls");
  const numbers = useNumbers();
  const { data, kind } = line;
  if (kind === "agent_said") {
    const measured = told.find((one) => one.kind === "latency" && one.data.turn === data.turn && one.data.reply_ms);
    const reply = measured?.data.reply_ms;
    return (
      <div className={classes.agent} data-line={kind}>
        <Group gap="xs">
          <Text size="xs" c="dimmed">
            <bdi>{agentName}</bdi>
          </Text>
          {typeof reply === "number" && (
            <Badge size="xs" color={toneOf(reply)} title={t("latency.about")}>
              {t("seconds", { seconds: numbers.one(reply / 1000) })}
            </Badge>
          )}
          {data.interrupted === true && (
            <Badge size="xs" color="yellow">
              {t("interrupted")}
            </Badge>
          )}
        </Group>
        <p dir="auto">{String(data.heard_text || data.text)}</p>
      </div>
    );
  }
  if (kind === "caller_said") {
    return (
      <div className={classes.caller} data-line={kind}>
        <Text size="xs" c="dimmed">
          {t("you")}
        </Text>
        <p dir="auto">{data.text ? String(data.text) : t(data.kind === "silence" ? "silent" : "unclear")}</p>
      </div>
    );
  }
  const words =
    kind === "digits"
      ? t("keyed", { digits: String(data.digits) })
      : kind === "tool_used"
        ? t(data.ok ? "tool_ok" : "tool_failed", {
            name: ofCalls([`tool.${String(data.name)}`, "tool_unknown"], { name: data.name }),
          })
        : ofCalls([`trouble.${String(data.what)}`, "trouble_unknown"], { what: String(data.what).replaceAll("_", " ") });
  return (
    <Text size="xs" c="dimmed" ta="center" data-line={kind}>
      {words}
    </Text>
  );
}

/** Under a second feels like a conversation; beyond two, people say "hello?". */
export const toneOf = (ms: number) => (ms <= 1_000 ? "green" : ms <= 2_000 ? "yellow" : "red");
