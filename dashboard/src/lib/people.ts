// The people of the business, for whoever gives one of them something to do.

import { api } from "@/lib/api";

/** The people of the business, as choices. */
export function usePeople(): { value: string; label: string }[] {
  const people = api.useQuery("get", "/api/colleagues");
  return (people.data ?? []).map((person) => ({ value: person.id, label: person.name }));
}
