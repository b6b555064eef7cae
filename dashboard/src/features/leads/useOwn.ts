// The fields that the business gave its leads: which there are, and how they are called.

import { api, type Schema } from "@/lib/api";

export type OwnField = Schema<"FieldOut">;
export type Value = string | number | boolean | null;

/** What a field is called where it stands beside those that every lead has. */
export const OWN = "field:";

/** The fields that are shown, in their order. */
export function useOwnFields(): OwnField[] {
  const fields = api.useQuery("get", "/api/lead-fields");
  return (fields.data ?? []).filter((field) => !field.is_archived);
}

/** Turns `field:budget` into what the business calls it; undefined for what is none of its fields. */
export function useOwnNames(): (name: string) => string | undefined {
  const fields = api.useQuery("get", "/api/lead-fields");
  return (name) =>
    name.startsWith(OWN) ? (fields.data?.find((field) => OWN + field.key === name)?.label ?? name.slice(OWN.length)) : undefined;
}
