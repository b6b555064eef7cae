import { Card, Group, Text, Title } from "@mantine/core";
import { useId, type ReactNode } from "react";

export interface PanelProps {
  title?: string;
  about?: ReactNode;
  /** At the end of the title's line. */
  actions?: ReactNode;
  children: ReactNode;
}

/** A part of a page with a heading of its own. */
export function Panel({ title, about, actions, children }: PanelProps) {
  const id = useId();
  return (
    <Card withBorder padding="md" component="section" aria-labelledby={title ? id : undefined}>
      {(title || actions) && (
        <Group justify="space-between" mb="sm" gap="xs">
          <div>
            {title && (
              <Title order={2} id={id}>
                {title}
              </Title>
            )}
            {about && (
              <Text size="sm" c="dimmed">
                {about}
              </Text>
            )}
          </div>
          {actions && <Group gap="xs">{actions}</Group>}
        </Group>
      )}
      {children}
    </Card>
  );
}
