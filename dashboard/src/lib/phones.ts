// Telephone numbers in texts that run from right to left: without a mark their plus sign wanders to the other end.

const NUMBER = /\+\d{5,15}/g;
const LEFT_TO_RIGHT_ISOLATE = "\u2066";
const END_OF_ISOLATE = "\u2069";

/** A text with each telephone number in it kept together, for plain text, which cannot hold a `<bdi>`. */
export const isolated = (text: string): string => text.replace(NUMBER, `${LEFT_TO_RIGHT_ISOLATE}$&${END_OF_ISOLATE}`);

/** The numbers as a select's options, which are plain text. */
export const phoneOptions = (numbers: string[]) => numbers.map((number) => ({ value: number, label: isolated(number) }));
