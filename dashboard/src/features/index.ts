// Every feature of the dashboard, one line each.

import type { Feature } from "@/features/types";

export const features: Feature[] = [];
