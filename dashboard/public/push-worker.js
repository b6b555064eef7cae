// What this browser does while no page of ours is open: it shows what is pushed, and opens the page when clicked.
// It keeps nothing and answers no requests of pages. Registered only where somebody asks to be told (src/features/
// notifications/push.ts); a new version takes over at once, for it holds no state.

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => event.waitUntil(show(event.data)));

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data.path));
});

async function show(data) {
  const told = data.json();
  const [before] = await self.registration.getNotifications({ tag: told.tag });
  // The same message once more, since its sender could not know that it had come: nobody is disturbed twice.
  const again = before?.data.id === told.id;
  await self.registration.showNotification(told.title, {
    body: told.body,
    tag: told.tag,
    renotify: !again,
    silent: again,
    lang: told.lang,
    dir: told.lang === "he" ? "rtl" : "ltr",
    icon: "/favicon.svg",
    data: { id: told.id, path: told.path },
  });
}

async function open(path) {
  const address = new URL(path, self.location.origin);
  // A message leads to pages of ours alone.
  if (address.origin !== self.location.origin) return;
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const ours = windows.find((page) => new URL(page.url).origin === address.origin);
  if (!ours) {
    await self.clients.openWindow(address.href);
    return;
  }
  await ours.focus();
  ours.postMessage({ open: address.pathname + address.search });
}
