import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ApiError } from "@/lib/errors";
import { ErrorNote } from "@/ui/ErrorNote";
import { Loading } from "@/ui/Loading";
import { WayBack } from "@/ui/WayBack";

/** No such thing; no such id. */
const NOWHERE = new Set([404, 422]);

/**
 * An answer of the server in each of its states: on its way, refused, there. What was there stays while newer is
 * asked for, with the refusal above it where that fails.
 */
export function Answer<T>({ of, children }: { of: UseQueryResult<T, unknown>; children: (data: T) => ReactNode }) {
  if (of.data === undefined) {
    return of.isError ? <Refused of={of} /> : <Loading />;
  }
  return (
    <>
      {of.isError && <Refused of={of} />}
      {children(of.data)}
    </>
  );
}

/** What is not there, or can be nothing at all, will not be there on another try either: that leads back. */
function Refused<T>({ of }: { of: UseQueryResult<T, unknown> }) {
  if (of.error instanceof ApiError && NOWHERE.has(of.error.status)) {
    return (
      <ErrorNote error={of.error}>
        <WayBack />
      </ErrorNote>
    );
  }
  return <ErrorNote error={of.error} retry={() => void of.refetch()} />;
}
