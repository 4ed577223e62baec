// Makes the pictures of a study a viewer: scrolling, windows, zoom and measuring, by mouse, touch and keys. Grey pixels
// that are kept uncompressed are read as they are and shaded here; of others the server's pictures are shown.
"use strict";
(() => {
  const root = document.querySelector("[data-viewer]");
  if (!root) return;
  const find = (what) => root.querySelector(what);
  const [stage, image, said] = [find("[data-stage]"), find("[data-picture]"), find("[data-said]")];
  const frames = [...root.querySelectorAll("[data-look]")].map((link) => ({
    ...link.dataset,
    look: JSON.parse(link.dataset.look),
  }));
  const unshown = find("[data-unshown]");
  const words = root.dataset;
  const canvas = document.createElement("canvas");
  const lines = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const kept = new Map();
  const keptMax = 64;
  const state = { at: Number(find("[data-number]").textContent) - 1, tool: "window", zoom: 1, x: 0, y: 0, window: null };
  let [line, point, asked] = [[], null, 0];

  stage.tabIndex = 0;
  stage.setAttribute("role", "application");
  stage.setAttribute("aria-labelledby", "picture-title");
  canvas.setAttribute("aria-hidden", "true");
  lines.setAttribute("aria-hidden", "true");
  image.after(canvas, lines);
  for (const part of root.querySelectorAll("[data-script]")) part.hidden = false;
  const chosen = find("[data-window][aria-current]");
  if (chosen && chosen.dataset.window) state.window = chosen.dataset.window.split(",").map(Number);

  // The values of a frame, or its picture where they cannot be shaded here.
  function load(frame) {
    const own = frame.look.raw ? "" : (state.window || "").toString();
    const key = `${frame.address} ${frame.frame} ${own}`;
    if (!kept.has(key)) {
      kept.set(key, (frame.look.unshown ? never() : frame.look.raw ? pixels(frame) : picture(frame)).catch((error) => (kept.delete(key), Promise.reject(error))));
      if (kept.size > keptMax) kept.delete(kept.keys().next().value);
    }
    return kept.get(key);
  }

  // Why there is nothing to show, in the words of the page.
  const never = () => Promise.reject(new Error("kind"));
  const lacks = (answer) => new Error(answer.status === 406 ? "broken" : "later");

  async function pixels({ address, frame, look }) {
    const accept = "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1";
    const answer = await fetch(`${address}/frames/${frame}`, { headers: { accept } });
    if (!answer.ok) throw lacks(answer);
    const bytes = await answer.arrayBuffer();
    const raw = look.bits === 8 ? new Uint8Array(bytes) : new Uint16Array(bytes.slice(0, bytes.byteLength & ~1));
    const mask = 2 ** look.stored - 1;
    const sign = look.signed ? 2 ** (look.stored - 1) : 0;
    const values = new Float32Array(look.rows * look.columns);
    let [least, most] = [Infinity, -Infinity];
    for (let i = 0; i < values.length; i++) {
      let value = raw[i] & mask;
      if (sign && value & sign) value -= mask + 1;
      value = value * look.slope + look.intercept;
      values[i] = value;
      if (value < least) least = value;
      if (value > most) most = value;
    }
    const width = Math.max(most - least + 1, 1);
    return { values, window: look.width ? [look.centre, look.width] : [least + width / 2, width] };
  }

  async function picture({ address, frame }) {
    const window = state.window ? `?window=${state.window.join(",")},linear` : "";
    const answer = await fetch(`${address}/frames/${frame}/rendered${window}`, { headers: { accept: "image/png" } });
    if (!answer.ok) throw lacks(answer);
    return { bitmap: await createImageBitmap(await answer.blob()) };
  }

  function paint(loaded, look) {
    const context = canvas.getContext("2d");
    const { values, bitmap } = loaded;
    if (bitmap) {
      [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
      return context.drawImage(bitmap, 0, 0);
    }
    [canvas.width, canvas.height] = [look.columns, look.rows];
    const [centre, width] = state.window || loaded.window;
    const shades = context.createImageData(look.columns, look.rows);
    const whole = new Uint32Array(shades.data.buffer);
    const step = 255 / Math.max(width - 1, 1);
    for (let i = 0; i < values.length; i++) {
      let shade = (values[i] - (centre - 0.5)) * step + 127.5;
      shade = shade < 0 ? 0 : shade > 255 ? 255 : shade | 0;
      if (look.inverse) shade = 255 - shade;
      whole[i] = 0xff000000 | (shade << 16) | (shade << 8) | shade;
    }
    context.putImageData(shades, 0, 0);
  }

  async function show(quietly) {
    const frame = frames[state.at];
    const turn = ++asked;
    for (const link of root.querySelectorAll("[data-original]")) link.href = `${frame.address}?accept=application/dicom`;
    try {
      const loaded = await load(frame);
      if (turn !== asked) return;
      paint(loaded, frame.look);
      place(frame);
      unshown.hidden = true;
      stage.classList.add("live");
      canvas.style.transform = lines.style.transform = `translate(${state.x}px, ${state.y}px) scale(${state.zoom})`;
      lines.setAttribute("viewBox", `0 0 ${canvas.width} ${canvas.height}`);
      state.shown = state.window || loaded.window || null;
      const window = state.shown ? `, ${words.sayWindow} ${state.shown.map(Math.round).join(" / ")}` : "";
      if (!quietly) tell(`${words.sayImage} ${state.at + 1} / ${frames.length}${window}`);
      for (const near of [state.at + 1, state.at - 1]) if (frames[near]) load(frames[near]).catch(() => {});
    } catch (error) {
      if (turn !== asked) return;
      state.shown = null;
      stage.classList.remove("live");
      image.hidden = true;
      unshown.hidden = false;
      place(frame);
      const known = unshown.querySelector(`[data-why="${error.message}"]`) ? error.message : "later";
      for (const why of unshown.querySelectorAll("[data-why]")) {
        why.hidden = why.dataset.why !== known;
        if (!why.hidden && !quietly) tell(`${words.sayImage} ${state.at + 1} / ${frames.length}. ${why.textContent}`);
      }
    }
  }

  // What is told of a frame beside its picture.
  function place({ laterality, sides }) {
    find("[data-number]").textContent = state.at + 1;
    find("[data-laterality]").textContent = laterality;
    sides.split("|").forEach((side, i) => (find(`[data-side="${i}"]`).textContent = side));
    stage.dataset.shown = `${state.at + 1}`;
  }

  const tell = (text) => (said.textContent = text);
  const clamp = (value, least, most) => Math.min(Math.max(value, least), most);

  function go(to) {
    const at = clamp(to, 0, frames.length - 1);
    if (at === state.at) return;
    state.at = at;
    line = [];
    draw();
    show();
  }

  function shade(centreBy, widthBy) {
    const [centre, width] = state.shown || [];
    if (width === undefined) return;
    state.window = [centre + centreBy, Math.max(width + widthBy, 1)];
    mark(null);
    show(true);
  }

  function mark(link) {
    for (const other of root.querySelectorAll("[data-window]")) other.removeAttribute("aria-current");
    if (link) link.setAttribute("aria-current", "true");
  }

  function zoom(by) {
    state.zoom = clamp(state.zoom * by, 0.25, 16);
    show(true);
  }

  function reset() {
    Object.assign(state, { zoom: 1, x: 0, y: 0, window: null });
    [line, point] = [[], null];
    mark(find('[data-window=""]'));
    draw();
    show();
  }

  function use(tool) {
    state.tool = tool;
    stage.dataset.tool = tool;
    for (const button of root.querySelectorAll("[data-tool]")) {
      if (button.tagName === "BUTTON") button.setAttribute("aria-pressed", String(button.dataset.tool === tool));
    }
    point = tool === "measure" ? [canvas.width / 2, canvas.height / 2] : null;
    line = [];
    draw();
  }

  // The length of a line from one point of the image to another.
  function length([[x1, y1], [x2, y2]]) {
    const { spacing, projected, columns } = frames[state.at].look;
    const scale = columns / canvas.width || 1;
    const [dx, dy] = [(x2 - x1) * scale, (y2 - y1) * scale];
    if (!spacing) return `${Math.hypot(dx, dy).toFixed(1)} ${words.sayPixels}`;
    const text = `${Math.hypot(dy * spacing[0], dx * spacing[1]).toFixed(1)} mm`;
    return projected ? `${text} (${words.sayProjected})` : text;
  }

  function draw() {
    lines.replaceChildren();
    const add = (name, set) => {
      const shape = document.createElementNS(lines.namespaceURI, name);
      for (const [key, value] of Object.entries(set)) shape.setAttribute(key, value);
      lines.append(shape);
    };
    if (line.length === 2) add("line", { x1: line[0][0], y1: line[0][1], x2: line[1][0], y2: line[1][1] });
    for (const [cx, cy] of point ? [...line, point] : line) add("circle", { cx, cy, r: canvas.width / 120 });
  }

  // Where in the image something on the screen is.
  function spot(event) {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * canvas.width, ((event.clientY - box.top) / box.height) * canvas.height];
  }

  const touches = new Map();
  stage.addEventListener("pointerdown", (event) => {
    if (event.target.closest("a")) return;
    stage.setPointerCapture(event.pointerId);
    touches.set(event.pointerId, [event.clientX, event.clientY]);
    if (state.tool === "measure" && touches.size === 1) [line, point] = [[spot(event), spot(event)], null];
  });
  stage.addEventListener("pointermove", (event) => {
    const former = touches.get(event.pointerId);
    if (!former) return;
    const [dx, dy] = [event.clientX - former[0], event.clientY - former[1]];
    if (touches.size === 2) {
      const other = [...touches].find(([id]) => id !== event.pointerId)[1];
      const apart = ([x, y]) => Math.hypot(x - other[0], y - other[1]) || 1;
      zoom(apart([event.clientX, event.clientY]) / apart(former));
    } else if (state.tool === "measure") {
      line[1] = spot(event);
      draw();
      tell(`${words.sayLength} ${length(line)}`);
    } else if (state.tool === "pan") {
      [state.x, state.y] = [state.x + dx, state.y + dy];
      show(true);
    } else {
      const step = Math.max((state.shown ? state.shown[1] : 0) / 300, 0.5);
      shade(dy * step, dx * step);
    }
    touches.set(event.pointerId, [event.clientX, event.clientY]);
  });
  // Or the browser would take the drag for one of its own, never told of, and swallow the tap that follows as the end of it.
  stage.addEventListener("touchmove", (event) => stage.classList.contains("live") && event.cancelable && event.preventDefault(), { passive: false });
  // A finger whose end is never told, as when the system takes the touch over, must not count as a second one of the next.
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) stage.addEventListener(end, (event) => touches.delete(event.pointerId));
  stage.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      if (event.ctrlKey) zoom(event.deltaY < 0 ? 1.1 : 0.9);
      else go(state.at + Math.sign(event.deltaY));
    },
    { passive: false },
  );

  function move(x, y) {
    const step = Math.max(canvas.width / 64, 1);
    point = [clamp(point[0] + x * step, 0, canvas.width), clamp(point[1] + y * step, 0, canvas.height)];
    draw();
    tell(line.length === 1 ? `${words.sayLength} ${length([line[0], point])}` : `${words.sayPoint} ${point.map(Math.round).join(", ")}`);
  }

  function set() {
    line = line.length === 1 ? [line[0], point] : [point];
    draw();
    if (line.length === 2) tell(`${words.sayLength} ${length(line)}`);
  }

  const keys = {
    ArrowUp: () => (point ? move(0, -1) : go(state.at - 1)),
    ArrowDown: () => (point ? move(0, 1) : go(state.at + 1)),
    ArrowLeft: () => (point ? move(-1, 0) : shade((state.shown ? state.shown[1] : 0) / 20, 0)),
    ArrowRight: () => (point ? move(1, 0) : shade((state.shown ? -state.shown[1] : 0) / 20, 0)),
    Enter: () => point && set(),
    Home: () => go(0),
    End: () => go(frames.length - 1),
    PageUp: () => go(state.at - 10),
    PageDown: () => go(state.at + 10),
    "+": () => zoom(1.25),
    "-": () => zoom(0.8),
    m: () => use(state.tool === "measure" ? "window" : "measure"),
    Escape: () => use("window"),
  };
  stage.addEventListener("keydown", (event) => {
    const act = event.target !== stage || event.ctrlKey || event.altKey || event.metaKey ? null : keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  root.addEventListener("click", (event) => {
    const hit = event.target.closest("[data-tool], [data-zoom], [data-reset], [data-window], [data-step], [data-look]");
    if (!hit || hit === stage || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const { tool, zoom: by, window, step } = hit.dataset;
    if (tool) use(tool);
    else if (by) zoom(Number(by));
    else if ("reset" in hit.dataset) reset();
    else if (window !== undefined) {
      state.window = window ? window.split(",").map(Number) : null;
      mark(hit);
      show();
    } else if (step) go(state.at + Number(step));
    else go([...root.querySelectorAll("[data-look]")].indexOf(hit));
  });
  show();
})();
