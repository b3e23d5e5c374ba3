// Keeps the files of the page, which then works offline; it stores nothing else.

const PREFIX = `audw2s ${self.registration.scope} `;
const CACHE = `${PREFIX}{digest}`;
const FILES = {files};

const fill = async () => {
  const cache = await caches.open(CACHE);
  // The browser's cache may hold files of another version: the server is asked for changes
  await cache.addAll(FILES.map((name) => new Request(name, { cache: "no-cache" })));
};

const clean = async () => {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith(PREFIX) && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
  await clients.claim();
};

const answer = async (request) => {
  const cache = await caches.open(CACHE);
  return (await cache.match(request, { ignoreSearch: true })) ?? fetch(request);
};

self.addEventListener("install", (event) => event.waitUntil(fill().then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(clean()));
self.addEventListener("fetch", (event) => {
  const isMine = new URL(event.request.url).origin === self.location.origin;
  if (event.request.method === "GET" && isMine) event.respondWith(answer(event.request));
});
