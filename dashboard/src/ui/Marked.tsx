import { Mark } from "@mantine/core";

/** A text in which some stretches are marked: from which letter to which, in order. */
export function Marked({ text, marks }: { text: string; marks: number[][] }) {
  // The server counts letters, of which some are two of JavaScript's.
  const letters = Array.from(text);
  const pieces: { text: string; isMarked: boolean; at: number }[] = [];
  let done = 0;
  for (const [from = 0, to = 0] of marks) {
    if (from > done) pieces.push({ text: letters.slice(done, from).join(""), isMarked: false, at: done });
    pieces.push({ text: letters.slice(Math.max(from, done), to).join(""), isMarked: true, at: from });
    done = Math.max(done, to);
  }
  pieces.push({ text: letters.slice(done).join(""), isMarked: false, at: done });
  return (
    <bdi>
      {pieces.map((piece) => (piece.isMarked ? <Mark key={piece.at}>{piece.text}</Mark> : piece.text))}
    </bdi>
  );
}
