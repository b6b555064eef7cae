// What today's calls came to, the most frequent first.

import { Progress, Text } from "@mantine/core";
import type { Schema } from "@/lib/api";
import { useNumbers, useT } from "@/lib/i18n";
import { Panel } from "@/ui/Panel";
import { TONES } from "@/ui/StatusBadge";
import classes from "./Overview.module.css";

const GOOD = new Set(["booked", "transferred", "callback_requested"]);
const BAD = new Set(["failed", "our_fault", "cut_off", "rejected_capacity", "refused"]);
const SHOWN = 8;

const OTHERS = "gray.5";

const hueOf = (disposition: string) => TONES[GOOD.has(disposition) ? "good" : BAD.has(disposition) ? "bad" : "busy"];

/** `title`: whose outcomes they are, where not today's. */
export function Outcomes({ outcomes, title }: { outcomes: Schema<"OutcomeOut">[]; title?: string }) {
  const t = useT("overview");
  const numbers = useNumbers();
  const most = outcomes[0]?.calls ?? 0;
  const rest = outcomes.slice(SHOWN).reduce((sum, { calls }) => sum + calls, 0);
  const rows = outcomes.slice(0, SHOWN).map(({ disposition, calls }) => ({
    // Scripts may name outcomes of their own, which are told as they are.
    name: t(`outcome.${disposition}`, { defaultValue: disposition }),
    hue: hueOf(disposition),
    calls,
  }));
  if (rest > 0) rows.push({ name: t("outcomes.others"), hue: OTHERS, calls: rest });
  return (
    <Panel title={title ?? t("outcomes.title")}>
      {rows.length === 0 ? (
        <Text c="dimmed" size="sm">
          {t("outcomes.none")}
        </Text>
      ) : (
        <dl className={classes.outcomes} data-part="outcomes">
          {rows.map(({ name, hue, calls }) => (
            <div key={name}>
              <dt>
                <bdi>{name}</bdi>
              </dt>
              <dd>
                <Progress value={(100 * calls) / Math.max(most, calls)} color={hue} size="sm" aria-hidden />
                <span className="numbers">{numbers.whole(calls)}</span>
              </dd>
            </div>
          ))}
        </dl>
      )}
    </Panel>
  );
}
