import { Progress } from "@mantine/core";
import { useNumbers } from "@/lib/i18n";
import { TONES, type Tone } from "@/ui/StatusBadge";

export interface ProgressPart {
  tone: Tone;
  count: number;
}

/** A bar of parts that add up to what is settled of `total`. Show it only for what goes on. */
export function ProgressBar({ label, parts, total }: { label: string; parts: ProgressPart[]; total: number }) {
  const numbers = useNumbers();
  const settled = parts.reduce((sum, part) => sum + part.count, 0);
  const share = total > 0 ? settled / total : 0;
  return (
    <Progress.Root
      size="md"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={total}
      aria-valuenow={settled}
      aria-valuetext={numbers.share(share)}
    >
      {parts
        .filter((part) => part.count > 0)
        .map((part) => (
          <Progress.Section
            key={part.tone}
            withAria={false}
            value={(100 * part.count) / total}
            color={TONES[part.tone]}
            data-tone={part.tone}
          />
        ))}
    </Progress.Root>
  );
}
