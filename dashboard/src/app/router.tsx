// Addresses: every feature's routes, each loaded when it is first shown. Filters live in the address as plain words.

import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
} from "@tanstack/react-router";
import type { FunctionComponent } from "react";
import { cache } from "@/app/cache";
import { Crash, NotFound } from "@/app/Faults";
import { Guarded } from "@/app/Guarded";
import { Home } from "@/app/Home";
import { House } from "@/app/House";
import { loadWords } from "@/lib/i18n";
import { features } from "@/features";
import type { FeatureRoute } from "@/features/types";
import { Loading } from "@/ui/Loading";


type PageModule = { default: FunctionComponent };

const root = createRootRoute({ component: Outlet, errorComponent: Crash });
const house = createRoute({
  getParentRoute: () => root,
  id: "house",
  component: House,
  notFoundComponent: NotFound,
  errorComponent: Crash,
});

const routes = features.flatMap(({ id, words = [], routes }) =>
  routes.map((route) => ({ ...route, words: [id, ...words] })),
);
const inside = routes
  .filter((route) => route.of !== "anybody")
  .map((route) => {
    const Page = lazyRouteComponent<PageModule, "default">(route.page);
    return createRoute({
      getParentRoute: () => house,
      path: route.path,
      component: () => (
        <Guarded route={route}>
          <Page />
        </Guarded>
      ),
      loader: ready(Page, route),
    });
  });
const outside = routes
  .filter((route) => route.of === "anybody")
  .map((route) => {
    const Page = lazyRouteComponent<PageModule, "default">(route.page);
    const loader = ready(Page, route);
    return createRoute({ getParentRoute: () => root, path: route.path, component: Page, loader });
  });

/**
 * Has a page's script and words there before it is drawn. A part that is not holds the page up by 300 ms: so long
 * React shows what stands for it once it has been shown.
 */
function ready(
  Page: { preload?: () => Promise<void> | undefined },
  { words, first }: { words: string[]; first?: FeatureRoute["first"] },
) {
  return async ({ preload, location }: { preload: boolean; location: { searchStr: string } }) => {
    if (preload && location.searchStr === "") void first?.(cache);
    await Promise.all([Page.preload?.(), loadWords(words)]);
  };
}

/** Where the day begins: the first page of those that the person has. */
const start = createRoute({ getParentRoute: () => house, path: "/", component: Home });
// Whatever else is asked for is told so inside the house, to whoever may be there.
const nowhere = createRoute({ getParentRoute: () => house, path: "$", component: NotFound });

export const router = createRouter({
  routeTree: root.addChildren([
    house.addChildren([...inside, start, nowhere]),
    ...outside,
  ]),
  defaultPreload: "intent",
  defaultPendingComponent: Loading,
  defaultPendingMs: 150,
  scrollRestoration: true,
  parseSearch,
  stringifySearch,
});

function parseSearch(search: string): Record<string, string | string[]> {
  const found: Record<string, string | string[]> = {};
  const words = new URLSearchParams(search);
  for (const name of new Set(words.keys())) {
    const all = words.getAll(name);
    found[name] = all.length > 1 ? all : (all[0] ?? "");
  }
  return found;
}

function stringifySearch(search: Record<string, unknown>): string {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(search)) {
    if (value === undefined || value === null || value === "") continue;
    for (const one of Array.isArray(value) ? value : [value]) words.append(name, String(one));
  }
  const text = words.toString();
  return text ? `?${text}` : "";
}
