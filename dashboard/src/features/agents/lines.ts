// Two texts, line by line: what is gone, what has come, and what stayed, with the middle of long stays left out.

export interface DiffLine {
  kind: "same" | "gone" | "come" | "skip";
  text: string;
}

const AROUND = 2;
const MOST = 400;

/** Return the lines of `before` and `after` as one text of differences. */
export function linesOf(before: string, after: string): DiffLine[] {
  if (!before) return linesAs("come", after);
  if (!after) return linesAs("gone", before);
  const [one, other] = [before.split("\n"), after.split("\n")];
  if (one.length * other.length > MOST * MOST) return [...linesAs("gone", before), ...linesAs("come", after)];
  return shortened(compared(one, other));
}

const linesAs = (kind: DiffLine["kind"], text: string): DiffLine[] =>
  text ? text.split("\n").map((line) => ({ kind, text: line })) : [];

/** The longest common lines, by the table of their lengths. */
function compared(one: string[], other: string[]): DiffLine[] {
  const lengths = Array.from({ length: one.length + 1 }, () => new Uint16Array(other.length + 1));
  const at = (row: number, column: number) => lengths[row]?.[column] ?? 0;
  for (let row = one.length - 1; row >= 0; row -= 1) {
    for (let column = other.length - 1; column >= 0; column -= 1) {
      const best =
        one[row] === other[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1));
      (lengths[row] as Uint16Array)[column] = best;
    }
  }
  const lines: DiffLine[] = [];
  let [row, column] = [0, 0];
  while (row < one.length || column < other.length) {
    if (row < one.length && column < other.length && one[row] === other[column]) {
      lines.push({ kind: "same", text: one[row] as string });
      row += 1;
      column += 1;
    } else if (row < one.length && (column >= other.length || at(row + 1, column) >= at(row, column + 1))) {
      lines.push({ kind: "gone", text: one[row] as string });
      row += 1;
    } else {
      lines.push({ kind: "come", text: other[column] as string });
      column += 1;
    }
  }
  return lines;
}

function shortened(lines: DiffLine[]): DiffLine[] {
  const near = lines.map((_, index) =>
    lines.slice(Math.max(0, index - AROUND), index + AROUND + 1).some(({ kind }) => kind !== "same"),
  );
  const left: DiffLine[] = [];
  lines.forEach((line, index) => {
    if (near[index]) left.push(line);
    else if (left.at(-1)?.kind !== "skip") left.push({ kind: "skip", text: "" });
  });
  return left;
}
