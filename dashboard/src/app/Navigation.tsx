import { NavLink } from "@mantine/core";
import { features } from "@/features";
import type { NavEntry, Section } from "@/features/types";
import { msg, useT } from "@/lib/i18n";
import { useSession, type Session } from "@/lib/session";
import { LinkTo } from "@/ui/LinkTo";
import classes from "./Shell.module.css";

const SECTIONS: [Section, string][] = [
  ["day", ""],
  ["outbound", msg("shell:nav.outbound")],
  ["work", msg("shell:nav.work")],
  ["system", msg("shell:nav.system")],
];

const placeOf = ({ section }: NavEntry) => SECTIONS.findIndex(([name]) => name === section);

/** The entries that this person has a use for, in their order. */
export function entriesFor(session: Session): NavEntry[] {
  return features
    .flatMap((feature) => feature.nav ?? [])
    .filter((entry) => (entry.ofSystem ? session.me.is_system_admin : session.business !== null))
    .filter((entry) => !entry.least || session.may(entry.least))
    .sort((one, other) => placeOf(one) - placeOf(other) || one.order - other.order);
}

export function Navigation({ path }: { path: string }) {
  const t = useT("shell");
  const entries = entriesFor(useSession());
  // `/runs/new` belongs to `/runs`, unless an entry of its own begins with more of it.
  const current = entries
    .filter(({ to }) => path === to || path.startsWith(`${to}/`))
    .sort((one, other) => other.to.length - one.to.length)[0];
  return (
    <>
      {SECTIONS.map(([section, heading]) => {
        const here = entries.filter((entry) => entry.section === section);
        if (here.length === 0) return null;
        return (
          <div key={section} className={classes.section}>
            {heading && (
              <div className={classes.heading} id={`nav-${section}`}>
                {t(heading)}
              </div>
            )}
            <ul className={classes.list} aria-labelledby={heading ? `nav-${section}` : undefined}>
              {here.map((entry) => (
                <li key={entry.to}>
                  <NavLink
                    component={LinkTo}
                    to={entry.to}
                    className={classes.entry}
                    label={t(entry.label)}
                    leftSection={<entry.icon size={18} stroke={1.7} />}
                    rightSection={entry.beside && <entry.beside />}
                    active={entry === current}
                    aria-current={entry === current ? "page" : undefined}
                  />
                </li>
              ))}
            </ul>
          </div>
        );
      })}
    </>
  );
}
