// What a feature tells the shell of itself.

import type { Icon } from "@tabler/icons-react";
import type { QueryClient } from "@tanstack/react-query";
import type { FunctionComponent } from "react";
import type { Schema } from "@/lib/api";
import type { LiveTable } from "@/lib/live";
import type { Role } from "@/lib/session";

/** The parts of the navigation, in their order. */
export type Section = "day" | "outbound" | "work" | "system";

export interface NavEntry {
  section: Section;
  /** Its place within the section; small comes first. */
  order: number;
  /** `msg("shell:nav.runs")`: the words are in locales/{en,he}/shell.json. */
  label: string;
  to: string;
  icon: Icon;
  /** Shown only to whoever may do at least this. */
  least?: Role;
  /** For system admins. */
  ofSystem?: boolean;
  /** What stands beside its words: how much waits there. */
  beside?: FunctionComponent;
}

export interface FeatureRoute {
  /** `/calls/$callId`; read the parameter by `usePath("callId")`. */
  path: string;
  page: () => Promise<{ default: FunctionComponent }>;
  /** Asks for what the page without filters opens with, while a pointer rests on its link. */
  first?: (answers: QueryClient) => Promise<void>;
  /** Of whom the page is: a business's people (if not said), whoever is signed in, system admins, or anybody. */
  of?: "business" | "person" | "system" | "anybody";
  least?: Role;
}

/** Something that the command palette can do, beside leading to every entry of the navigation. */
export interface Command {
  id: string;
  label: string;
  icon: Icon;
  least?: Role;
  to: string;
}

/** How one kind of row is shown that the server's search has found. */
export interface FoundKind {
  /** As the server calls it. */
  kind: string;
  label: string;
  icon: Icon;
  /** Where it leads; `zone` is the business's. */
  to: (hit: Schema<"HitOut">, zone: string) => { path: string; search?: Record<string, string> };
}

export interface Feature {
  /** Also the name of its words: src/locales/<language>/<id>.json. */
  id: string;
  /** Other features' words that its pages open with. */
  words?: string[];
  routes: FeatureRoute[];
  nav?: NavEntry[];
  live?: LiveTable;
  commands?: Command[];
  finds?: FoundKind[];
}
