// Templates: how many variables there are, what they are called, and how one reads once they are filled in.

import type { Schema } from "@/lib/api";
import type { Template } from "./words";

export const nameOfTemplate = ({ name, language }: Pick<Template, "name" | "language">) => `${name} · ${language}`;
export const idOf = ({ name, language }: Pick<Template, "name" | "language">) => `${name}/${language}`;
export const isApproved = ({ status }: Template) => status === "approved";

export interface Values {
  header: string[];
  body: string[];
  buttons: string[];
}

const many = (value: unknown): number => (typeof value === "number" ? value : 0);

/** How many variables the parts of a template have; of its buttons, one for each that has any. */
export function wantedOf({ parameters }: Template): { header: number; body: number; buttons: number } {
  const buttons = parameters.variable_buttons;
  return { header: many(parameters.header), body: many(parameters.body), buttons: Array.isArray(buttons) ? buttons.length : 0 };
}

export function emptyValues(template: Template): Values {
  const { header, body, buttons } = wantedOf(template);
  const none = (count: number) => Array.from({ length: count }, () => "");
  return { header: none(header), body: none(body), buttons: none(buttons) };
}

export const isFull = ({ header, body, buttons }: Values) =>
  [...header, ...body, ...buttons].every((value) => value.trim() !== "");

/** The names of the variables, the header's first; empty where they are numbered. */
export const namesOf = ({ parameters }: Template): string[] =>
  Array.isArray(parameters.names) ? parameters.names.map(String) : [];

function fill(text: string, values: string[], names: string[]): string {
  return values.reduce((filled, value, index) => {
    const name = names[index] ?? String(index + 1);
    return value.trim() ? filled.replaceAll(`{{${name}}}`, value) : filled;
  }, text);
}

/** The template as somebody would read it; what is not filled in yet stands as it is. */
export function read(template: Template, values: Values): string {
  const names = namesOf(template);
  const header = fill(template.header, values.header, names);
  const body = fill(template.body, values.body, names.slice(values.header.length));
  return [header, body, template.footer].filter(Boolean).join("\n");
}

export function filledOf(template: Template, values: Values): Schema<"FilledTemplate"> {
  return { name: template.name, language: template.language, ...values, names: namesOf(template) };
}
