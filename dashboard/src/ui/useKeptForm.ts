// A form over something that stands: only what was changed in it is sent, and what a colleague changes meanwhile shows.

import { useForm, type UseFormInput, type UseFormReturnType } from "@mantine/form";
import { useState } from "react";

/** Two values are the same that differ by the keys of their rows only, which nobody sees. */
const same = (one: unknown, other: unknown) => written(one) === written(other);
const written = (value: unknown) => JSON.stringify(value, (name, part: unknown) => (name === "key" ? undefined : part));

/**
 * `const [form, changed] = useKeptForm({ name: thing.name })`: a form that begins with these values and takes over, of
 * the fields that nobody has touched, what they become. `changed(values)` are those that differ from what stands.
 */
export function useKeptForm<T extends Record<string, unknown>>(
  standing: T,
  rest: Omit<UseFormInput<T>, "initialValues"> = {},
): [UseFormReturnType<T>, (values: T) => Partial<T>] {
  const form = useForm<T>({ ...rest, initialValues: standing });
  const [base, setBase] = useState(standing);
  const changed = (values: T) =>
    Object.fromEntries(Object.entries(values).filter(([name, value]) => !same(value, base[name]))) as Partial<T>;
  if (!same(standing, base)) {
    const touched = changed(form.values);
    const untouched = Object.entries(standing).filter(([name]) => !(name in touched));
    setBase(standing);
    form.setValues(Object.fromEntries(untouched) as Partial<T>);
  }
  return [form, changed];
}
