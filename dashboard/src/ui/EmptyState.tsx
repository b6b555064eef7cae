import { Stack, Text, ThemeIcon, Title } from "@mantine/core";
import type { Icon } from "@tabler/icons-react";
import type { ReactNode } from "react";
import classes from "./EmptyState.module.css";

export interface EmptyStateProps {
  icon: Icon;
  title: string;
  /** What this page is for, and what to do first. */
  body: string;
  /** 1 where it is all that the page has. */
  level?: 1 | 2;
  /** The button that does it. */
  children?: ReactNode;
}

/** What stands where nothing is yet: it teaches. */
export function EmptyState({ icon: Icon, title, body, level = 2, children }: EmptyStateProps) {
  return (
    <div className={classes.box}>
      <ThemeIcon size={44} variant="light" radius="xl" aria-hidden>
        <Icon size={24} stroke={1.6} />
      </ThemeIcon>
      <Title order={level}>{title}</Title>
      <Text c="dimmed" maw="36rem">
        {body}
      </Text>
      {children && (
        <Stack gap="sm" align="flex-start" mt="xs">
          {children}
        </Stack>
      )}
    </div>
  );
}
