import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ErrorNote } from "@/ui/ErrorNote";
import { Loading } from "@/ui/Loading";

/**
 * An answer of the server in each of its states: on its way, refused, there. What was there stays while newer is
 * asked for, with the refusal above it where that fails.
 */
export function Answer<T>({ of, children }: { of: UseQueryResult<T, unknown>; children: (data: T) => ReactNode }) {
  if (of.data === undefined) {
    return of.isError ? <ErrorNote error={of.error} retry={() => void of.refetch()} /> : <Loading />;
  }
  return (
    <>
      {of.isError && <ErrorNote error={of.error} retry={() => void of.refetch()} />}
      {children(of.data)}
    </>
  );
}
