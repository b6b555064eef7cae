import { Alert, Button, Code, Text } from "@mantine/core";
import { IconAlertCircle } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useErrorWords } from "@/lib/errors";
import { useLanguage, useT } from "@/lib/i18n";

export interface ErrorNoteProps {
  error: unknown;
  retry?: () => void;
  /** What leads on where trying again would not. */
  children?: ReactNode;
}

/** What went wrong and what to do, where it went wrong. */
export function ErrorNote({ error, retry, children }: ErrorNoteProps) {
  const t = useT("errors");
  const language = useLanguage();
  const { title, detail, traceId } = useErrorWords()(error);
  return (
    <Alert color="red" icon={<IconAlertCircle size={20} />} title={title} role="alert">
      {detail && (
        <Text size="sm" lang="en" dir={language === "en" ? undefined : "auto"}>
          {detail}
        </Text>
      )}
      {traceId && !retry && !children && (
        <Text size="xs" mt={4}>
          {t("trace")} <Code dir="ltr">{traceId}</Code>
        </Text>
      )}
      {retry && (
        <Button size="compact-sm" variant="default" mt="xs" onClick={retry}>
          {t("retry")}
        </Button>
      )}
      {children}
    </Alert>
  );
}
