// Where what is wrong is shown: fields ask for the faults of their path.

import { List, Text } from "@mantine/core";
import { createContext, useContext } from "react";
import type { Fault } from "@/features/agents/draft";
import { useFaultWords } from "@/features/agents/words";

const Faults = createContext<Fault[]>([]);

export const FaultsProvider = Faults.Provider;

/** The faults at a place; `below`: and within it. */
export function useFaults(path: string, below = false): Fault[] {
  return useContext(Faults).filter((fault) => fault.path === path || (below && fault.path.startsWith(`${path}.`)));
}

/** What a field says of its faults; null where there are none: for Mantine's `error`. */
export function useFaultAt(path: string, below = false): string | null {
  const words = useFaultWords();
  const found = useFaults(path, below);
  return found.length > 0 ? [...new Set(found.map(words))].join(" ") : null;
}

export function FaultText({ path, below }: { path: string; below?: boolean }) {
  const text = useFaultAt(path, below);
  return (
    text && (
      <Text size="xs" c="red" role="alert">
        {text}
      </Text>
    )
  );
}

/** All faults in a list, each with the place that it is at. */
export function FaultList({ faults }: { faults: Fault[] }) {
  const words = useFaultWords();
  return (
    <List size="sm" spacing={2}>
      {faults.map((fault) => (
        <List.Item key={`${fault.path} ${fault.code} ${fault.names.join(" ")}`}>
          {words(fault)}{" "}
          <Text span size="xs" ff="monospace">
            <bdi dir="ltr">{fault.path}</bdi>
          </Text>
        </List.Item>
      ))}
    </List>
  );
}
