// Nothing needs this file. It prints, and remembers on this device the mode and the text size that were chosen.
"use strict";
(() => {
  const year = 31536000;
  let store = null;
  try { store = window.localStorage; } catch { /* the browser keeps nothing: then neither do we */ }
  const kept = (name) => { try { return store && store.getItem(name); } catch { return null; } };
  const keep = (name, value) => { try { store && store.setItem(name, value); } catch { /* full */ } };
  const byCookie = () => getComputedStyle(document.documentElement).getPropertyValue("--o").trim() === "block";
  for (const name of ["gov-mode", "gov-size"]) {
    const chosen = document.getElementById(kept(name) || "");
    if (chosen && chosen.name === name && !(name === "gov-mode" && byCookie())) chosen.checked = true;
    for (const input of document.getElementsByName(name)) {
      input.addEventListener("change", () => {
        keep(name, input.id);
        if (name !== "gov-mode") return;
        const mode = input.id.slice(4);
        const was = byCookie();
        document.cookie = `mode=${mode}; path=/; max-age=${mode === "standard" ? 0 : year}; samesite=lax`;
        if (was) location.reload();
      });
    }
  }
  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }
})();
