import type { ReactNode } from "react";
import classes from "./Facts.module.css";

export interface Fact {
  label: string;
  value: ReactNode;
}

/** Labelled facts, as many beside each other as there is room for. Those without a value are left out. */
export function Facts({ facts }: { facts: (Fact | null | false)[] }) {
  return (
    <dl className={classes.facts}>
      {facts
        .filter((fact): fact is Fact => Boolean(fact) && (fact as Fact).value !== null && (fact as Fact).value !== undefined)
        .map((fact) => (
          <div key={fact.label}>
            <dt>{fact.label}</dt>
            <dd>{fact.value}</dd>
          </div>
        ))}
    </dl>
  );
}
