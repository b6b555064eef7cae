// What stands in the address: parameters of the path, and filters that survive a reload and can be sent to others.

import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";

/** A parameter of the page's path: `usePath("callId")` below `/calls/$callId`. */
export function usePath(name: string): string {
  const value = (useParams({ strict: false }) as Record<string, string | undefined>)[name];
  if (value === undefined) throw new Error(`This page's address has no ${name}.`);
  return value;
}

/**
 * Filters kept in the address: `const [filters, setFilters] = useFilters({ state: "", q: "" })`.
 * What equals its first value is left out; changing them replaces the address unless `push` is said.
 */
export function useFilters<T extends Record<string, string>>(
  first: T,
): [T, (change: Partial<T>, how?: { push?: boolean }) => void] {
  const search = useSearch({ strict: false }) as Record<string, unknown>;
  const navigate = useNavigate();
  // Whoever calls this writes the object in place; its content is what counts.
  const form = JSON.stringify(first);
  const values = useMemo(() => {
    const known = JSON.parse(form) as T;
    const here = Object.keys(known).map((name) => {
      const value = search[name];
      return [name, typeof value === "string" ? value : known[name]];
    });
    return Object.fromEntries(here) as T;
  }, [form, search]);
  const change = useCallback(
    (changes: Partial<T>, how: { push?: boolean } = {}) => {
      const known = JSON.parse(form) as T;
      void navigate({
        to: ".",
        replace: !how.push,
        resetScroll: false,
        search: (before: Record<string, unknown>) => {
          const next = { ...before, ...changes } as Record<string, unknown>;
          for (const [name, value] of Object.entries(next)) if (value === known[name]) delete next[name];
          return next;
        },
      });
    },
    [form, navigate],
  );
  return [values, change];
}
