// Every feature of the dashboard, one line each.

import { admin } from "@/features/admin";
import { agents } from "@/features/agents";
import { calling } from "@/features/calling";
import { calls } from "@/features/calls";
import { inbox } from "@/features/inbox";
import { jobs } from "@/features/jobs";
import { lists } from "@/features/lists";
import { overview } from "@/features/overview";
import { search } from "@/features/search";
import { reports } from "@/features/reports";
import { runs } from "@/features/runs";
import { settings } from "@/features/settings";
import { leadflow } from "@/features/leadflow";
import { leads } from "@/features/leads";
import { appointments } from "@/features/appointments";
import { notifications } from "@/features/notifications";
import { tasks } from "@/features/tasks";
import type { Feature } from "@/features/types";

export const features: Feature[] = [
  overview,
  runs,
  lists,
  calling,
  inbox,
  jobs,
  admin,
  calls,
  settings,
  agents,
  leads,
  leadflow,
  appointments,
  tasks,
  notifications,
  search,
  reports,
];
