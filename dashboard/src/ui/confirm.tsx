// Before what cannot be taken back: what will happen, in words, and two buttons.

import { Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import { useCallback, type ReactNode } from "react";
import { useT } from "@/lib/i18n";

export interface Question {
  title: string;
  body: ReactNode;
  /** What the button says: the deed itself, not "Yes". */
  confirm: string;
  /** Not red: it can be taken back. */
  mild?: boolean;
}

/** `const confirm = useConfirm(); if (await confirm({...})) ...` */
export function useConfirm(): (question: Question) => Promise<boolean> {
  const t = useT("common");
  return useCallback(
    ({ title, body, confirm, mild }) =>
      new Promise((settle) => {
        modals.openConfirmModal({
          title,
          children: typeof body === "string" ? <Text size="sm">{body}</Text> : body,
          labels: { confirm, cancel: t("cancel") },
          confirmProps: { color: mild ? undefined : "red" },
          closeButtonProps: { "aria-label": t("cancel") },
          onConfirm: () => settle(true),
          onCancel: () => settle(false),
          onClose: () => settle(false),
        });
      }),
    [t],
  );
}
