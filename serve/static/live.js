// Keeps the numbers of a page fresh: fetches the part named by data-live and puts into place what changed.
"use strict";
(() => {
  const part = document.querySelector("[data-live]");
  const button = document.querySelector("[data-live-button]");
  const lost = document.querySelector("[data-live-lost]");
  if (!part || !button || !lost) return;
  const every = 2000;
  let [paused, timer] = [false, 0];

  // Makes `now` like `next` in place, so that what stays keeps focus, selection and scroll. Children with an id are
  // followed by it, so that a row that comes or goes does not shift the others.
  function morph(now, next) {
    if (now.nodeName !== next.nodeName) return now.replaceWith(next);
    if (now.nodeType !== Node.ELEMENT_NODE) return now.data === next.data || (now.data = next.data);
    for (const { name } of [...now.attributes]) if (!next.hasAttribute(name)) now.removeAttribute(name);
    for (const { name, value } of next.attributes) if (now.getAttribute(name) !== value) now.setAttribute(name, value);
    const wanted = new Set([...next.children].map((child) => child.id));
    for (const child of [...now.children]) if (child.id && !wanted.has(child.id)) child.remove();
    const named = new Map([...now.children].filter((child) => child.id).map((child) => [child.id, child]));
    let at = now.firstChild;
    for (const child of [...next.childNodes]) {
      const same = child.id ? named.get(child.id) : at && !at.id ? at : null;
      if (same && same === at) at = at.nextSibling;
      else now.insertBefore(same ?? child, at);
      if (same) morph(same, child);
    }
    for (let gone = at; gone; gone = at) {
      at = gone.nextSibling;
      gone.remove();
    }
  }

  async function refresh() {
    clearTimeout(timer);
    if (paused || document.hidden) return;
    try {
      const answer = await fetch(part.dataset.live, { cache: "no-store", signal: AbortSignal.timeout(5000) });
      if (!answer.ok) throw new Error(answer.status);
      const next = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-live]");
      const focused = document.activeElement;
      if (next && !paused) morph(part, next);
      if (focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
      lost.hidden = true;
    } catch {
      lost.hidden = false;
    }
    timer = setTimeout(refresh, every);
  }

  button.hidden = false;
  button.addEventListener("click", () => {
    paused = !paused;
    button.textContent = paused ? button.dataset.resume : button.dataset.pause;
    refresh();
  });
  document.addEventListener("visibilitychange", refresh);
  timer = setTimeout(refresh, every);
})();
