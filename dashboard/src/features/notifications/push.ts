// This browser as a device: whether it can be told, subscribing it at its maker's push service, and ending that.

import { client } from "@/lib/api";

const WORKER = "/push-worker.js";

/** Whether this browser can be told at all: it takes https, and on iPhones a page on the home screen. */
export const canBeTold = (): boolean => "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

/** By what the server knows a device: SHA-256 of its address, in hexadecimal. */
async function fingerprint(endpoint: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(endpoint));
  return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function subscription(): Promise<PushSubscription | null> {
  if (!canBeTold()) return null;
  const worker = await navigator.serviceWorker.getRegistration(WORKER);
  return (await worker?.pushManager.getSubscription()) ?? null;
}

/** This browser's fingerprint, if it is subscribed. */
export async function hereOf(): Promise<string | null> {
  const found = await subscription();
  return found && fingerprint(found.endpoint);
}

/** Asks the person and the browser's push service. Returns false where the person has said no. */
export async function subscribeHere(): Promise<boolean> {
  if ((await Notification.requestPermission()) !== "granted") return false;
  const { data: key } = await client.GET("/api/push/key");
  const worker = await navigator.serviceWorker.register(WORKER);
  await navigator.serviceWorker.ready;
  const made = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key?.public_key });
  const { endpoint, keys } = made.toJSON();
  await client.POST("/api/push/devices", {
    body: { endpoint: endpoint ?? "", keys: { p256dh: keys?.p256dh ?? "", auth: keys?.auth ?? "" }, name: browserName() },
  });
  return true;
}

/** Ends it at the browser's push service; whoever calls takes the device away from the server. */
export async function unsubscribeHere(): Promise<void> {
  await (await subscription())?.unsubscribe();
}

/** Takes this browser from whoever signs out here: what they are told is nobody else's business. */
export async function forgetHere(): Promise<void> {
  const here = await hereOf();
  if (!here) return;
  const { data } = await client.GET("/api/push/devices");
  const device = data?.devices.find((one) => one.endpoint_hash === here);
  if (device) await client.DELETE("/api/push/devices/{device_id}", { params: { path: { device_id: device.id } } });
  await unsubscribeHere();
}

/** What people know this browser by: its name and system, as far as it tells. */
function browserName(): string {
  const agent = navigator.userAgent;
  const browser = ["Edg", "OPR", "Firefox", "Chrome", "Safari"].find((name) => agent.includes(`${name}/`)) ?? "";
  const named = { Edg: "Edge", OPR: "Opera" }[browser] ?? browser;
  const system = ["iPhone", "iPad", "Android", "Windows", "Mac OS X", "Linux"].find((name) => agent.includes(name)) ?? "";
  return [named, system].filter(Boolean).join(" · ");
}
