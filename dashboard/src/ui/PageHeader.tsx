import { Group, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { IconChevronLeft } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useT } from "@/lib/i18n";
import { TextLink } from "@/ui/LinkTo";

export interface PageHeaderProps {
  /** The page's only first heading; the browser's title too. */
  title: string;
  /** Where the title is more than words; `title` still names the page. */
  heading?: ReactNode;
  about?: ReactNode;
  back?: { to: string; label: string };
  /** Beside the title: a status. */
  badge?: ReactNode;
  /** At the end of the line: the page's buttons. */
  children?: ReactNode;
}

export function PageHeader({ title, heading, about, back, badge, children }: PageHeaderProps) {
  const t = useT("shell");
  useDocumentTitle(t("title", { page: title }));
  return (
    <Group justify="space-between" align="flex-start" mb="md" gap="sm">
      <div style={{ flex: "1 1 20rem", minInlineSize: 0 }}>
        {back && (
          <TextLink to={back.to} size="sm">
            <IconChevronLeft size={14} className="points" aria-hidden /> {back.label}
          </TextLink>
        )}
        <Group gap="sm">
          <Title order={1} dir={heading ? undefined : "auto"}>
            {heading ?? title}
          </Title>
          {badge}
        </Group>
        {about && (
          <Text c="dimmed" size="sm" maw="48rem">
            {about}
          </Text>
        )}
      </div>
      {children && <Group gap="xs">{children}</Group>}
    </Group>
  );
}
