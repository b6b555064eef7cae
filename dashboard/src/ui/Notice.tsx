import { Alert } from "@mantine/core";
import { IconInfoCircle } from "@tabler/icons-react";
import type { ReactNode } from "react";

/** Something worth knowing that is no fault. */
export function Notice({ title, children }: { title?: string; children: ReactNode }) {
  return (
    <Alert color="trunk" icon={<IconInfoCircle size={20} />} title={title} role="status">
      {children}
    </Alert>
  );
}
