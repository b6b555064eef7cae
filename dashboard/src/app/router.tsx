// Addresses: every feature's routes, each loaded when it is first shown. Filters live in the address as plain words.

import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
} from "@tanstack/react-router";
import type { FunctionComponent } from "react";
import { Crash, NotFound } from "@/app/Faults";
import { Guarded } from "@/app/Guarded";
import { Home } from "@/app/Home";
import { House } from "@/app/House";
import { features } from "@/features";
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

const routes = features.flatMap((feature) => feature.routes);
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
      loader: () => Page.preload?.(),
    });
  });
const outside = routes
  .filter((route) => route.of === "anybody")
  .map((route) =>
    createRoute({ getParentRoute: () => root, path: route.path, component: lazyRouteComponent<PageModule, "default">(route.page) }),
  );

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
