import { Progress, Text } from "@mantine/core";
import classes from "./talk.module.css";

const QUIETEST_DB = -54;

/** How loud it is, on the scale that ears have. */
export function Level({ label, loudness, muted = false }: { label: string; loudness: number; muted?: boolean }) {
  const db = loudness > 0 ? 20 * Math.log10(loudness) : QUIETEST_DB;
  const share = Math.round(100 * Math.min(1, Math.max(0, 1 - db / QUIETEST_DB)));
  return (
    <div className={classes.level}>
      <Text size="sm" c="dimmed">
        {label}
      </Text>
      <Progress value={share} color={muted ? "gray" : db > -3 ? "red" : "trunk"} aria-label={label} transitionDuration={80} />
    </div>
  );
}
