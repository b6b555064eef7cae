import { useT } from "@/lib/i18n";
import { readable } from "@/features/agents/script/model";
import classes from "./script.module.css";

/** What is said, with the names in it shown as such. */
export function Sentence({ text }: { text: string }) {
  const t = useT("script");
  if (!text) return <p className={classes.missing}>{t("no_text")}</p>;
  return (
    <p className={classes.sentence} dir="auto">
      {text.split(/(\{[^{}]*\})/).map((part, index) =>
        part.startsWith("{") ? (
          <span key={index} className={classes.name}>
            {readable(part.slice(1, -1))}
          </span>
        ) : (
          part
        ),
      )}
    </p>
  );
}
