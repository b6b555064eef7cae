// How far a run of calls is: exactly what the server has counted, part by part. Nothing is guessed between two
// answers, and a bar is drawn only for a run that is truly active.

import { Text } from "@mantine/core";
import { useEffect, useState } from "react";
import type { Schema } from "@/lib/api";
import { useNumbers, useT } from "@/lib/i18n";
import { useRunProgress } from "@/lib/live";
import classes from "./RunBar.module.css";

export type Figures = Schema<"ProgressOut">;
type Part = Exclude<keyof Figures, "total">;

const SETTLED: Part[] = ["done", "failed", "unknown", "cancelled"];
const PARTS: Part[] = [...SETTLED, "active", "queued"];
/** For how long a bar that has come to its end is left to be seen. */
const LINGER_MS = 1_500;

export const settledOf = (figures: Figures) => SETTLED.reduce((sum, part) => sum + figures[part], 0);

export interface Watched {
  id: string;
  title: string;
  state: string;
  progress: Figures;
}

const isActive = (state: string) => state === "running" || state === "paused";

/** The newest figures and state of a run: those of its last answer, or what the stream has told since. */
export function useRunNow<T extends Watched>(run: T): T {
  const told = useRunProgress(run.id);
  if (!told || !isActive(run.state)) return run;
  // An answer and a message may cross on their way. Of two true counts the one that is further is the newer.
  const isNewer = settledOf(told.progress) >= settledOf(run.progress);
  return isNewer ? { ...run, progress: told.progress, state: isActive(told.state) ? run.state : told.state } : run;
}

/** The bar of an active run; nothing for any other. One that is full is seen for a moment before it goes. */
export function RunBar({ run }: { run: Watched }) {
  const t = useT("common");
  const numbers = useNumbers();
  const { progress, state } = useRunNow(run);
  const active = isActive(state);
  const settled = settledOf(progress);
  const full = settled === progress.total && progress.total > 0;
  const [lingers, setLingers] = useState(active);
  if (active && !lingers) setLingers(true);
  useEffect(() => {
    if (active) return undefined;
    const timer = setTimeout(() => setLingers(false), LINGER_MS);
    return () => clearTimeout(timer);
  }, [active]);
  if (!active && !(lingers && full)) return null;
  const share = progress.total === 0 ? 0 : settled / progress.total;
  const said = t("run.bar", {
    settled: numbers.whole(settled),
    total: numbers.whole(progress.total),
    percent: numbers.share(Math.floor(share * 100) / 100),
  });
  return (
    <div data-run-bar={run.id}>
      <div
        className={classes.bar}
        role="progressbar"
        aria-label={t("run.bar_of", { title: run.title })}
        aria-valuemin={0}
        aria-valuemax={progress.total}
        aria-valuenow={settled}
        aria-valuetext={said}
      >
        {PARTS.map((part) => (
          <span
            key={part}
            className={classes.part}
            data-part={part}
            data-count={progress[part]}
            style={{ "--share": progress.total === 0 ? 0 : (progress[part] / progress.total) * 100 } as never}
          />
        ))}
      </div>
      <Text size="sm" c="dimmed" mt={4}>
        {said}
      </Text>
    </div>
  );
}

/** All parts of a run in figures; they add up to the total. */
export function RunCounts({ run }: { run: Watched }) {
  const t = useT("common");
  const numbers = useNumbers();
  const { progress } = useRunNow(run);
  return (
    <dl className={classes.counts}>
      <div className={classes.count}>
        <dt>{t("run.total")}</dt>
        <dd data-count="total">{numbers.whole(progress.total)}</dd>
      </div>
      {(["queued", "active", "done", "failed", "cancelled", "unknown"] as const).map((part) => (
        <div key={part} className={classes.count}>
          <dt>
            <span className={classes.dot} data-part={part} />
            {t(`run.part.${part}`)}
          </dt>
          <dd data-count={part}>{numbers.whole(progress[part])}</dd>
        </div>
      ))}
    </dl>
  );
}
