// Whose jobs a page is about: the business's, or the system's own. Both have the same pages.

export interface Place {
  api: "/api/jobs" | "/api/admin/jobs";
  at: string;
  /** Names the words that differ. */
  of: "business" | "system";
}

export const OF_BUSINESS: Place = { api: "/api/jobs", at: "/jobs", of: "business" };
export const OF_SYSTEM: Place = { api: "/api/admin/jobs", at: "/system/jobs", of: "system" };
