// Opens the whole capture of a retired site in ReplayWeb.page, once the service worker that answers for it is active:
// a frame that is opened earlier asks the web server for the old pages, and stays empty.
"use strict";
(async () => {
  const place = document.getElementById("replay");
  const { source, url, frame } = place.dataset;
  if (!navigator.serviceWorker) return; // an old browser, or no HTTPS: the page says what to do
  const failed = place.firstElementChild;
  const waiting = document.createElement("p");
  waiting.textContent = place.dataset.wait;
  place.replaceChildren(waiting);
  try {
    const registration = await navigator.serviceWorker.register(`${frame}sw.js?serveIndex=1`, { scope: frame });
    if (!registration.active) {
      const worker = registration.installing || registration.waiting;
      await new Promise((done, stop) => {
        const look = () => (worker.state === "activated" ? done() : worker.state === "redundant" ? stop() : null);
        worker.addEventListener("statechange", look);
        look();
      });
    }
    const shown = document.createElement("replay-web-page");
    const about = { source, url, replayBase: frame, embed: "default", sandbox: "" };
    for (const [name, value] of Object.entries(about)) shown.setAttribute(name, value);
    place.replaceChildren(shown);
  } catch {
    place.replaceChildren(failed);
  }
})();
