// Talking to the server. Owns the request's form and the two ways it can go wrong: the server said no
// (ApiError), or there was no answer (NoAnswer). Knows nothing of what is shown.

const PATIENCE_MS = 15_000;
const UPLOAD_PATIENCE_MS = 180_000;
const ATTENDED_MS = 60_000;

/** When somebody last touched the page. What it asks long after that keeps nobody signed in. */
let touchedAt = performance.now();
for (const kind of ["pointerdown", "keydown", "wheel", "touchmove"]) {
  addEventListener(kind, () => (touchedAt = performance.now()), { capture: true, passive: true });
}

/** The server's refusal: its HTTP status, its code, its sentence and the facts that go with it. */
export class ApiError extends Error {
  constructor(status, { code, message, data, trace_id: traceId }) {
    super(message);
    this.status = status;
    this.code = code;
    this.data = data ?? {};
    this.traceId = traceId;
  }
}

/** The server could not be reached, or whoever stands in front of it said that it is away. */
export class NoAnswer extends Error {}

export const get = (path, query = {}) => {
  const search = new URLSearchParams(query).toString();
  return request("GET", search ? `${path}?${search}` : path);
};
export const post = (path, body) => request("POST", path, { body: JSON.stringify(body ?? {}), json: true });
export const change = (path, body) => request("PATCH", path, { body: JSON.stringify(body), json: true });
export const upload = (path, form) => request("POST", path, { body: form, patience: UPLOAD_PATIENCE_MS });
/** Take something back; the request goes out even while the page is being left. */
export const withdraw = (path) => request("DELETE", path, { keepalive: true });

async function request(method, path, { body, json = false, keepalive = false, patience = PATIENCE_MS } = {}) {
  const headers = { Accept: "application/json" };
  // A page of another site cannot send this header; the server refuses writes without it.
  if (method !== "GET") headers["X-Trunkline"] = "1";
  else if (performance.now() - touchedAt > ATTENDED_MS) headers["X-Trunkline-Unattended"] = "1";
  if (json) headers["Content-Type"] = "application/json";
  let response;
  let answer;
  try {
    const signal = AbortSignal.timeout(patience);
    response = await fetch(`/api${path}`, { method, headers, body, keepalive, signal, cache: "no-store" });
    answer = response.status === 204 ? null : await response.json();
  } catch (failure) {
    if (response && !response.ok) throw awayOrOdd(response);
    throw new NoAnswer(failure.message);
  }
  if (response.ok) return answer;
  if (answer?.error) throw new ApiError(response.status, answer.error);
  throw awayOrOdd(response);
}

/** A refusal that is not in our form: from something in front of the server, or from a failure in it. */
function awayOrOdd(response) {
  if (response.status >= 502 && response.status <= 504) return new NoAnswer(response.statusText);
  return new ApiError(response.status, { code: "internal_error", message: "", data: {} });
}
