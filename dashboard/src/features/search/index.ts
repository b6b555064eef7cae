// Search: the page of results. The palette's part is in src/app/Palette.tsx.

import type { Feature } from "@/features/types";

export const search: Feature = {
  id: "search",
  routes: [{ path: "/search", page: () => import("./SearchPage") }],
};
