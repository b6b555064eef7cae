// The frame of the settings: a title, and links to the other pages of it.

import { Link } from "@tanstack/react-router";
import { useEffect, useRef, type ReactNode } from "react";
import { useT } from "@/lib/i18n";
import { PageHeader } from "@/ui/PageHeader";
import classes from "./SettingsTabs.module.css";

const TABS = [
  { to: "/settings", label: "tabs.business" },
  { to: "/settings/calling", label: "tabs.calling" },
  { to: "/settings/people", label: "tabs.people" },
  { to: "/settings/numbers", label: "tabs.numbers" },
  { to: "/settings/messaging", label: "tabs.messaging" },
  { to: "/settings/fields", label: "tabs.fields" },
  { to: "/settings/transfers", label: "tabs.transfers" },
  { to: "/settings/statuses", label: "tabs.statuses" },
  { to: "/settings/webhooks", label: "tabs.webhooks" },
  { to: "/settings/keys", label: "tabs.keys" },
];

export function SettingsTabs({ title, about, actions }: { title: string; about: string; actions?: ReactNode }) {
  const t = useT("settings");
  const tabs = useRef<HTMLElement>(null);
  // On a phone most of them lie beyond the window's edge; where one is has to be seen.
  useEffect(() => {
    tabs.current?.querySelector("[aria-current=page]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, []);
  return (
    <>
      <nav ref={tabs} className={classes.tabs} aria-label={t("tabs.label")}>
        {TABS.map(({ to, label }) => (
          <Link key={to} to={to} className={classes.tab} activeOptions={{ exact: true }}>
            {t(label)}
          </Link>
        ))}
      </nav>
      <PageHeader title={title} about={about}>
        {actions}
      </PageHeader>
    </>
  );
}
