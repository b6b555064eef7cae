// The other tabs of this browser, which share the session: whoever changes it here tells them.

type Change = "entered" | "left";

const channel = new BroadcastChannel("trunkline.session");

/** Tell the other tabs that somebody has entered (signed in, or another business), or has signed out. */
export function tellTabs(change: Change): void {
  channel.postMessage(change);
}

/** Hear of changes in other tabs. Returns what ends the hearing. */
export function onTabs(hear: (change: Change) => void): () => void {
  const listener = (message: MessageEvent<Change>) => hear(message.data);
  channel.addEventListener("message", listener);
  return () => channel.removeEventListener("message", listener);
}
