// Shows a package in ReplayWeb.page, once the service worker that answers for it is active: a frame that is opened
// earlier asks the web server for the old pages.
"use strict";
(async () => {
  const place = document.getElementById("replay");
  const { source, url, frame } = place.dataset;
  if (!navigator.serviceWorker) return;
  const registration = await navigator.serviceWorker.register(`${frame}sw.js?serveIndex=1`, { scope: frame });
  const worker = registration.active || registration.installing || registration.waiting;
  while (worker.state !== "activated") await new Promise((done) => worker.addEventListener("statechange", done, { once: true }));
  const shown = document.createElement("replay-web-page");
  const about = { source, url, replayBase: frame, embed: "default", sandbox: "" };
  for (const [name, value] of Object.entries(about)) shown.setAttribute(name, value);
  place.replaceChildren(shown);
})();
