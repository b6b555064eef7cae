// What was said and done in a call, line by line. Where there is a recording, a line is played by a click on it,
// and the one that sounds is marked.

import { ActionIcon, Code, Spoiler, Text } from "@mantine/core";
import { IconPlayerPlayFilled } from "@tabler/icons-react";
import { useEffect, useRef, type ReactNode } from "react";
import { useNumbers, useT } from "@/lib/i18n";
import { lengthOf, useTime } from "@/lib/time";
import { Actor } from "@/ui/Actor";
import { heardOf, isSpoken, type Act, type Line } from "./lines";
import classes from "./Transcript.module.css";
import { useOutcome, useReason } from "./words";

interface TranscriptProps {
  lines: Line[];
  /** The key of the line that sounds. */
  sounding?: string;
  /** Plays from where a line begins; undefined for one that no recording has. */
  play?: (line: Line) => (() => void) | undefined;
  /** New lines come in: the last one is kept in sight for whoever is there. */
  grows?: boolean;
}

export function Transcript({ lines, sounding, play, grows }: TranscriptProps) {
  const t = useT("calls");
  const time = useTime();
  const list = useRef<HTMLOListElement>(null);
  useEffect(() => {
    if (sounding === undefined) return;
    list.current?.querySelector(`[data-key="${CSS.escape(sounding)}"]`)?.scrollIntoView({ block: "nearest" });
  }, [sounding]);
  const count = lines.length;
  useEffect(() => {
    const box = list.current;
    if (grows && box) box.scrollTop = box.scrollHeight;
  }, [grows, count]);
  const unheard = [...new Set(lines.flatMap((line) => (line.kind === "agent" && line.unheard ? [line.unheard] : [])))];
  return (
    <>
      <ol className={classes.lines} ref={list} tabIndex={0} aria-label={t("transcript.title")} aria-live={grows ? "polite" : undefined}>
        {lines.map((line) => {
          const playIt = play?.(line);
          const isSounding = line.key === sounding;
          return (
            <li
              key={`${line.leg}-${line.key}`} className={isSpoken(line) ? classes.said : classes.aside} data-key={line.key}
              data-kind={line.kind} data-sounding={isSounding || undefined} aria-current={isSounding ? "true" : undefined}
              onClick={playIt && isSpoken(line) && !getSelection()?.toString() ? playIt : undefined}
            >
              <span className={classes.when}>
                {playIt && isSpoken(line) && (
                  <ActionIcon
                    size="sm" variant="subtle" aria-label={t("transcript.play_from", { time: time.exactClock(line.at) })}
                    onClick={(event) => {
                      event.stopPropagation();
                      playIt();
                    }}
                  >
                    <IconPlayerPlayFilled size={12} />
                  </ActionIcon>
                )}
                <time dateTime={line.at}>{time.exactClock(line.at)}</time>
              </span>
              <What line={line} />
            </li>
          );
        })}
      </ol>
      {unheard.map((why) => (
        <Text key={why} size="xs" c="dimmed" mt="xs">
          {t(`unheard.${why}`)}
        </Text>
      ))}
    </>
  );
}

function What({ line }: { line: Line }): ReactNode {
  const t = useT("calls");
  const numbers = useNumbers();
  const outcome = useOutcome();
  const reason = useReason();
  switch (line.kind) {
    case "agent":
      return (
        <div className={classes.what}>
          <Who>{t("transcript.agent")}</Who>
          <bdi>
            {heardOf(line.text, line.heard).map((piece, index) =>
              piece.isHeard ? (
                <span key={index}>{piece.text} </span>
              ) : (
                <s key={index} className={classes.unheard}>
                  {piece.text}{" "}
                </s>
              ),
            )}
          </bdi>
          <Text size="xs" c="dimmed">
            {line.interrupted && `${t("transcript.interrupted")} `}
            {line.resumed && `${t("transcript.resumed")} `}
            {line.latency?.greeting_ms !== undefined &&
              t("transcript.greeting", { ms: numbers.whole(line.latency.greeting_ms) })}
            {line.latency?.reply_ms !== undefined && t("transcript.reply", { ms: numbers.whole(line.latency.reply_ms) })}
          </Text>
        </div>
      );
    case "caller":
      return (
        <div className={classes.what}>
          <Who>{line.machine ? t("transcript.machine") : t("transcript.caller")}</Who>
          {line.silent ? <Text c="dimmed">{t("transcript.silence")}</Text> : <bdi>{line.text || "…"}</bdi>}
        </div>
      );
    case "tool":
      return (
        <div className={classes.what}>
          <Text size="sm">
            {t(line.ok ? "transcript.tool_used" : "transcript.tool_failed", {
              tool: t([`tool.${line.name}`, "tool_unknown"], { name: line.name }),
              ms: numbers.whole(line.ms),
            })}
          </Text>
          <Spoiler maxHeight={0} showLabel={t("transcript.details")} hideLabel={t("transcript.no_details")} fz="sm">
            <Code block dir="ltr" tabIndex={0}>
              {`${JSON.stringify(line.asked, null, 1)}\n${JSON.stringify(line.answered, null, 1)}`}
            </Code>
          </Spoiler>
        </div>
      );
    case "digits":
      return <Text size="sm">{t("transcript.digits", { digits: line.text })}</Text>;
    case "note": {
      const value = line.name === "disposition" ? outcome(line.value) : line.value;
      return (
        <Text size="sm" dir="auto">
          {t([`note.${line.name}`, "note_unknown"], { name: line.name.replaceAll("_", " "), value })}
        </Text>
      );
    }
    case "machine":
      return <Text size="sm">{t("transcript.machine_found", { by: t(`found_by.${line.by}`) })}</Text>;
    case "message":
      return <Text size="sm">{t("transcript.message_left", { text: line.text })}</Text>;
    case "trouble":
      return (
        <div className={classes.what}>
          <Text size="sm" c="red">
            {t([`trouble.${line.what}`, "trouble_unknown"], { what: line.what.replaceAll("_", " ") })}
          </Text>
          {line.detail && (
            <Text size="xs" c="dimmed" lang="en" dir="auto">
              {line.detail}
            </Text>
          )}
        </div>
      );
    case "left":
      return <Text size="sm">{t("transcript.agent_left")}</Text>;
    case "back":
      return <Text size="sm">{t("transcript.agent_back")}</Text>;
    case "ended":
      return <Text size="sm">{t("transcript.ended", { reason: reason(line.reason) })}</Text>;
    case "act":
      return <Done act={line.act} />;
  }
}

/** What a person or the agent did with the call, and what came of it. */
function Done({ act: { verb, state, target, actor, data } }: { act: Act }) {
  const t = useT("calls");
  const kept = verb === "voicemail" && data.duration_s ? t("transcript.kept_message", { length: lengthOf(data.duration_s) }) : "";
  const why = data.why ? t([`act_why.${data.why}`, "act_why_unknown"], { code: data.why.replaceAll("_", " ") }) : "";
  return (
    <Text size="sm" dir="auto">
      {t("transcript.act", { verb: t(`verb.${verb}`), state: t(`act_state.${state}`) })} {data.label ?? target}{" "}
      <Text span size="xs" c="dimmed">
        {[kept, why].filter(Boolean).map((words) => `${words} · `)}
        <Actor actor={actor} />
      </Text>
    </Text>
  );
}

function Who({ children }: { children: ReactNode }) {
  return (
    <Text size="xs" fw={600} className={classes.who}>
      {children}
    </Text>
  );
}
