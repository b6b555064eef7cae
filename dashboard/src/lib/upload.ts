// Sending a form with a file in it, and hearing how much of it is on its way.

import { failureOf, headersFor } from "@/lib/api";
import { NoAnswer } from "@/lib/errors";

/**
 * Send a form with a file; `onShare` hears how much of it is on its way. `fetch` cannot tell that. One that is
 * broken off by `until` neither comes to anything nor fails.
 */
export function upload<T>(path: string, form: FormData, onShare: (share: number) => void, until?: AbortSignal): Promise<T> {
  return new Promise((settle, refuse) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    for (const [name, value] of Object.entries(headersFor("POST"))) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onShare(event.loaded / event.total);
    });
    request.addEventListener("error", () => refuse(new NoAnswer(request.statusText)));
    request.addEventListener("load", () => {
      const response = new Response(request.responseText, { status: request.status, statusText: request.statusText });
      failureOf(response.clone())
        .then(async (failure) => {
          if (failure) throw failure;
          settle((await response.json()) as T);
        })
        .catch(refuse);
    });
    until?.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}
