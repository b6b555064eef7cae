import type { Schema } from "@/lib/api";
import { useLanguage, useT } from "@/lib/i18n";

/** Returns what names a report's line: a day of the calendar as it is, in no zone; what has no name by what it is. */
export function useLineName(by: Schema<"ReportOut">["by"], isShort = false): (line: Schema<"LineOut">) => string {
  const t = useT("reports");
  const language = useLanguage();
  const parts: Intl.DateTimeFormatOptions =
    by === "month"
      ? { month: isShort ? "short" : "long", year: "numeric" }
      : { weekday: isShort ? undefined : "short", day: "numeric", month: "short" };
  const format = new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, { ...parts, timeZone: "UTC" });
  return (line) => {
    if (line.is_rest) return t("rest");
    if (line.key === null) return t(`nobody.${by}`);
    if (by === "day") return format.format(new Date(line.key));
    if (by === "month") return format.format(new Date(`${line.key}-01`));
    if (by === "source") return line.key.startsWith("list:") ? t("source.list", { name: line.key.slice(5) }) : t(`source.${line.key}`, { defaultValue: line.key });
    return line.name;
  };
}
