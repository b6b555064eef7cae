// Keys by which the server knows a message: what is sent twice with one key goes out once.

import { useRef } from "react";

const BYTES = 16;

// Not randomUUID: pages that are not served by https have none.
const newKey = () =>
  [...crypto.getRandomValues(new Uint8Array(BYTES))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/**
 * `const keyFor = useKeyFor()`: the same key for the same content until `forget` is called: a second press, or another
 * try after no answer came, is the same message. Other content is another message.
 */
export function useKeyFor(): { keyFor: (content: string) => string; forget: () => void } {
  const last = useRef<{ content: string; key: string } | null>(null);
  const keyFor = (content: string) => {
    if (last.current?.content !== content) last.current = { content, key: newKey() };
    return last.current.key;
  };
  const forget = () => {
    last.current = null;
  };
  return { keyFor, forget };
}
