import { useTime } from "@/lib/time";

/** A time in the business's zone, short; held over, it is told in full. `how="ago"`: how long ago. */
export function Moment({ at, how = "short" }: { at: string; how?: "short" | "ago" | "dateTime" | "date" | "clock" }) {
  const time = useTime();
  return (
    <time dateTime={at} title={`${time.dateTime(at)} (${time.zone})`}>
      {time[how](at)}
    </time>
  );
}
