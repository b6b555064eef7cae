// A look at what a file of leads holds, before it is sent.

import { failureOf, headersFor, type Schema } from "@/lib/api";
import { NoAnswer } from "@/lib/errors";

export type Preview = Schema<"PreviewOut">;
/** Our field -> number of its column, from 1 on. */
export type Mapping = Record<string, number>;

const ENOUGH = 1024 * 1024;
const [NUL, LINE_END] = [0, 10];

/** The first rows of a large text file; a workbook, and text in an encoding with zero bytes, must be seen whole. */
async function beginningOf(file: File): Promise<Blob> {
  if (file.size <= ENOUGH) return file;
  const bytes = new Uint8Array(await file.slice(0, ENOUGH).arrayBuffer());
  const end = bytes.lastIndexOf(LINE_END);
  if (bytes.includes(NUL) || end < 0 || (bytes[0] === 0x50 && bytes[1] === 0x4b)) return file;
  return file.slice(0, end + 1);
}

export async function previewOf(file: File, mapping: Mapping | null): Promise<Preview> {
  const form = new FormData();
  form.append("file", await beginningOf(file), file.name);
  if (mapping) form.append("mapping", JSON.stringify(mapping));
  let response: Response;
  try {
    response = await fetch("/api/lead-imports/preview", { method: "POST", body: form, headers: headersFor("POST") });
  } catch (error) {
    throw new NoAnswer(String(error));
  }
  const failure = await failureOf(response);
  if (failure) throw failure;
  return (await response.json()) as Preview;
}
