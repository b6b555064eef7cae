// Telephone numbers in texts that run from right to left: without a mark their plus sign wanders to the other end.

const LEFT_TO_RIGHT = "\u200e";

/** The numbers as a select's options, which are plain text and cannot hold a `<bdi>`. */
export const phoneOptions = (numbers: string[]) =>
  numbers.map((number) => ({ value: number, label: LEFT_TO_RIGHT + number }));
