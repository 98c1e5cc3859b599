"use strict";
(() => {
const at = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const make = (name, options = {}, ...children) => {
  const element = Object.assign(document.createElement(name), options);
  element.append(...children);
  return element;
};

// --- charts: drawn when they come into view, filters when they are clicked ----------------------

// The interpreter of expressions needs no eval, so the page's content policy can forbid it.
const specs = JSON.parse(at("#specs").textContent);
const options = { renderer: "svg", actions: false, ast: true };
const views = {};
const draw = async (name) => {
  if (name in views) return;
  views[name] = null;
  try {
    const { view } = await vegaEmbed(document.getElementById(name), specs[name], options);
    views[name] = view;
    // The place of a chart has its description; its marks would be read out one by one.
    at("svg.marks", document.getElementById(name)).setAttribute("aria-hidden", "true");
    view.addEventListener("click", (event, item) => item && item.datum && chartClick(item.datum));
    signal(view);
    document.getElementById(name).after(make("p", { className: "save" }, "Save as ",
      ...["svg", "png"].map((kind) => saver(view, name, kind))));
  } catch (error) {
    console.error(name, error);
  }
  const done = Object.values(views).filter(Boolean).length;
  document.body.setAttribute("data-drawn", String(done));
};
const saver = (view, name, kind) => {
  const button = make("button", { type: "button", textContent: kind.toUpperCase() });
  button.addEventListener("click", async () => {
    const address = await view.toImageURL(kind, 2);
    make("a", { href: address, download: `${name}.${kind}` }).click();
  });
  return button;
};
const signal = (view) => {
  try {
    if (state.arm) view.signal("arm", state.arm).runAsync();
  } catch {
    // The chart has no such signal: it is not about one arm.
  }
};
const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) draw(entry.target.id);
}, { rootMargin: "300px" });

// --- the list of questions ----------------------------------------------------------------------

const data = JSON.parse(at("#data").textContent);
const PAGE = 100;
const LOST = 1, GAINED = 2, MOVED = 4;
const SHOWN = {
  all: () => true,
  moved: (model, row) => model.flags[row] & MOVED,
  fell: (model, row) => model.flags[row] & MOVED && model.change[row] < 0,
  rose: (model, row) => model.flags[row] & MOVED && model.change[row] > 0,
  lost: (model, row) => model.flags[row] & LOST,
  gained: (model, row) => model.flags[row] & GAINED,
};
const SORTS = {
  change: (model) => (a, b) => model.change[a] - model.change[b],
  "-change": (model) => (a, b) => model.change[b] - model.change[a],
  q: (model) => (a, b) => model.q[a] - model.q[b],
  before: (model) => (a, b) =>
    model.before[a][0] / model.before[a][1] - model.before[b][0] / model.before[b][1],
};
const state = { show: "all", arm: "", bin: "", to: "", find: "", sort: "", open: "" };
let rows = [], limit = PAGE, current = -1;

const modelOf = () => data.models.find((model) => model.name === state.arm) || data.models[0];

// The HTML of prompts and sides by key, unpacked while the page is read.
let parts = {};
const unpacked = (async () => {
  const packed = at("#packed").textContent.trim();
  if (!packed) { document.body.setAttribute("data-unpacked", "0"); return; }
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  parts = JSON.parse(await new Response(stream).text());
  document.body.setAttribute("data-unpacked", String(Object.keys(parts).length));
})().catch((error) => console.error(error));
const fragment = (html) => make("template", { innerHTML: html }).content;
const partsOf = (place, model) =>
  [`q${place}`, `s${place}-0`, `s${place}-${data.models.indexOf(model) + 1}`].map((key) => parts[key] || "");

// Filters live in the address: #lost&arm=rlvr@1&bin=5-16.
const readAddress = () => {
  const [first, ...parts] = location.hash.slice(1).split("&");
  const known = first in SHOWN;
  if (location.hash && !known) return false;
  const given = Object.fromEntries(parts.map((part) => {
    const [name, ...value] = part.split("=");
    return [name, decodeURIComponent(value.join("="))];
  }));
  for (const name of Object.keys(state)) state[name] = given[name] || "";
  state.show = known ? first : "all";
  if (!data.models.some((model) => model.name === state.arm)) state.arm = data.models[0].name;
  state.sort = state.sort in SORTS ? state.sort : state.show === "rose" || state.show === "gained" ? "-change" : "change";
  return known;
};
const address = () => {
  const parts = [state.show];
  if (data.models.length > 1) parts.push(`arm=${encodeURIComponent(state.arm)}`);
  for (const name of ["bin", "to", "find", "sort", "open"])
    if (state[name] && !(name === "sort" && state.sort === "change"))
      parts.push(`${name}=${encodeURIComponent(state[name])}`);
  return `#${parts.join("&")}`;
};
const go = (changes, replace = false) => {
  Object.assign(state, changes);
  history[replace ? "replaceState" : "pushState"](null, "", address());
  apply();
};

const texts = new Map();
const searchable = (row) => {
  const model = modelOf(), place = model.question[row], id = data.ids[place];
  const key = `${place} ${model.name}`;
  if (!texts.has(key)) {
    const text = fragment(partsOf(place, model).join(" ")).textContent;
    texts.set(key, `${id} ${data.texts[place]} ${text}`.toLowerCase());
  }
  return texts.get(key);
};
const filter = () => {
  const model = modelOf(), find = state.find.toLowerCase();
  const bin = data.bins.indexOf(state.bin), to = data.bins.indexOf(state.to);
  rows = model.question.map((_, row) => row).filter((row) =>
    SHOWN[state.show](model, row) &&
    (!state.bin || model.bin[row] === bin) &&
    (!state.to || model.to[row] === to) &&
    (!find || searchable(row).includes(find)));
  rows.sort(SORTS[state.sort](model));
};

const bar = ([right, n]) => {
  const share = n ? right / n : 0;
  const fill = make("span", { className: "fill" });
  fill.style.width = `${100 * share}%`;
  return make("span", { className: "rate" },
    make("span", { className: "bar" }, fill), `${right} of ${n}`);
};
const signed = (value) => (value > 0 ? "+" : value < 0 ? "\u2212" : "") + Math.abs(value).toFixed(1);
const smallest = (q) => (q < 0.001 ? "< .001" : q.toFixed(3).replace(/^0/, ""));
const flagsOf = (flags) =>
  [[LOST, "lost"], [GAINED, "gained"], [MOVED, "beyond noise"]]
    .filter(([bit]) => flags & bit)
    .map(([, text]) => make("span", { className: `flag ${text.split(" ")[0]}`, textContent: text }));
const listRow = (row, index) => {
  const model = modelOf(), place = model.question[row], id = data.ids[place];
  const link = make("a", { href: "#", textContent: data.texts[place] || id, title: id });
  link.addEventListener("click", (event) => { event.preventDefault(); go({ open: id }); });
  const line = make("tr", {},
    make("td", {}, link), make("td", {}, bar(model.before[row])), make("td", {}, bar(model.after[row])),
    make("td", { className: "number", textContent: signed(model.change[row]) }),
    make("td", { className: "number", textContent: smallest(model.q[row]) }),
    make("td", {}, ...flagsOf(model.flags[row])));
  line.dataset.row = String(index);
  return line;
};
const showList = () => {
  at("#list tbody").replaceChildren(...rows.slice(0, limit).map(listRow));
  at("#more").hidden = rows.length <= limit;
  const left = data.left_out ? ` The page holds the most telling ones; ${data.left_out.toLocaleString("en")} rows are left out.` : "";
  at("#matches").textContent =
    `${rows.length.toLocaleString("en")} of ${modelOf().question.length.toLocaleString("en")} questions${data.models.length > 1 ? ` under ${state.arm}` : ""}.${left}`;
  mark(-1);
};
const mark = (index) => {
  all("#list tr.current").forEach((line) => line.classList.remove("current"));
  current = Math.min(index, Math.min(limit, rows.length) - 1);
  const line = at(`#list tr[data-row="${current}"]`);
  if (line) { line.classList.add("current"); at("a", line).focus(); }
};

// --- one question -------------------------------------------------------------------------------

const dialog = at("#question");
const showQuestion = () => {
  const place = data.ids.indexOf(state.open);
  if (place < 0) { if (dialog.open) dialog.close(); return; }
  const model = modelOf(), row = model.question.indexOf(place);
  const [prompt, ...sides] = partsOf(place, model);
  let view = null;
  if (prompt) {
    view = fragment(prompt);
    const place = at(".sides", view);
    place.classList.add("two");
    for (const side of sides) if (side) place.append(fragment(side));
  }
  const close = make("button", { type: "button", className: "close", textContent: "Close" });
  close.addEventListener("click", () => dialog.close());
  const facts = row < 0 ? [] : [
    make("span", {}, "before ", bar(model.before[row])), make("span", {}, `${model.name} `, bar(model.after[row])),
    make("span", { textContent: `${signed(model.change[row])} points, q ${smallest(model.q[row])}` }),
    ...flagsOf(model.flags[row])];
  dialog.replaceChildren(
    make("header", {}, make("h2", { id: "question-title", textContent: state.open }), close),
    make("p", { className: "facts-line" }, ...facts),
    view || make("div", {}, make("p", { textContent: data.texts[place] }), make("p", { className: "note",
        textContent: Object.keys(parts).length
          ? "The responses to this question are not in this page: liftmap view shows them all."
          : "No response can be shown: the sources have no texts." })));
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
};
dialog.addEventListener("close", () => { if (state.open) go({ open: "" }, true); });
const neighbour = (step) => {
  const model = modelOf();
  const index = rows.findIndex((row) => data.ids[model.question[row]] === state.open) + step;
  if (index >= 0 && index < rows.length) go({ open: data.ids[model.question[rows[index]]] }, true);
};

// --- what belongs together ----------------------------------------------------------------------

const kindOf = (figure) => at(`[data-figure="${figure}"] input:checked`)?.value;
const showPanels = () => {
  for (const panel of all(".panel")) {
    const figure = panel.closest("figure");
    const other = figure.classList.contains("picked") && data && data.models.length > 1 &&
      panel.dataset.of && !panel.dataset.of.split(", ").includes(state.arm);
    panel.hidden = Boolean(other) || ("kind" in panel.dataset && panel.dataset.kind !== kindOf(figure.id));
  }
};
all(".kinds").forEach((fields) => fields.addEventListener("change", showPanels));

let listed = "";
const apply = () => {
  for (const name of ["show", "arm", "bin", "to", "sort", "find"]) {
    const field = document.getElementById(name);
    if (field && field.value !== state[name]) field.value = state[name];
  }
  showPanels();
  for (const element of all(".tallied"))
    element.hidden = data.models.length > 1 && !element.dataset.of.split(", ").includes(state.arm);
  all("[data-pick]").forEach((element) =>
    element.setAttribute("aria-pressed", String(element.dataset.pick === state.arm)));
  Object.values(views).filter(Boolean).forEach(signal);
  const wanted = JSON.stringify([state.show, state.arm, state.bin, state.to, state.find, state.sort]);
  if (wanted !== listed) { listed = wanted; limit = PAGE; filter(); showList(); }
  showQuestion();
};
const chartClick = (datum) => {
  if (!data) return;
  const changes = {};
  const named = [datum.model, datum.arm].find((name) => data.models.some((model) => model.name === name));
  if (named) changes.arm = named;
  const label = (place) => data.bins[place] || "";
  if ("before_bin" in datum && "after_bin" in datum)
    Object.assign(changes, { show: "all", bin: label(datum.before_bin), to: label(datum.after_bin) });
  else if ("bin" in datum) Object.assign(changes, { show: "all", bin: label(datum.bin), to: "" });
  else if ("question_id" in datum) Object.assign(changes, { open: datum.question_id });
  else { if (named) go(changes); return; }
  go({ find: "", ...changes });
  if (!state.open) at("#questions").scrollIntoView();
};

if (data) {
  readAddress();
  addEventListener("popstate", () => { if (readAddress() || !location.hash) apply(); });
  addEventListener("hashchange", () => {
    if (readAddress()) { apply(); if (!state.open) at("#questions").scrollIntoView(); }
  });
  const form = at("#filters");
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => go({ [event.target.id]: event.target.value }, event.target.id === "find"));
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    go({ show: "all", bin: "", to: "", find: "", sort: "change" });
  });
  at("#more").addEventListener("click", () => { limit += PAGE; showList(); });
  all("[data-pick]").forEach((element) =>
    element.addEventListener("click", () => go({ arm: element.dataset.pick })));
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.matches("input, select, textarea");
    if (typing) return;
    const key = event.key;
    if (dialog.open) {
      if (key === "n" || key === "p") neighbour(key === "n" ? 1 : -1);
      return;
    }
    if (key === "/") { event.preventDefault(); at("#questions").scrollIntoView(); at("#find").focus(); }
    if (key === "j" || key === "k") mark(Math.max(0, current + (key === "j" ? 1 : -1)));
    if (key === "?") at("#help").showModal();
  });
  apply();
  unpacked.then(() => { texts.clear(); if (state.open || state.find) { listed = ""; apply(); } });
  if (location.hash && Object.keys(SHOWN).includes(location.hash.slice(1).split("&")[0]) && !state.open)
    at("#questions").scrollIntoView();
}
showPanels();
for (const name of Object.keys(specs)) watcher.observe(document.getElementById(name));
// What leads is drawn at once: whoever prints the page may not have scrolled to it.
for (const chart of all(".lead-figures .panel:not([hidden]) .chart")) draw(chart.id);

at("#copy")?.addEventListener("click", async (event) => {
  const text = event.target.dataset.text;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // A page of the disk may not have the clipboard: the old way needs none.
    const area = make("textarea", { value: text });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  at("#copied").textContent = "Copied.";
});
at("#keys")?.addEventListener("click", () => at("#help").showModal());
// A link to something folded opens it.
const unfold = () => {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const folded = target && target.closest("details");
  if (folded) { folded.open = true; target.scrollIntoView(); }
};
addEventListener("hashchange", unfold);
unfold();

// Paper shows the questions that were lost, and every chart that is not folded.
let before = null;
addEventListener("beforeprint", () => {
  if (!data) return;
  before = { ...state };
  Object.assign(state, { show: "lost", bin: "", to: "", find: "" });
  filter(); limit = 40; showList();
});
addEventListener("afterprint", () => {
  if (!before) return;
  Object.assign(state, before);
  before = null; limit = PAGE; filter(); showList();
});
})();
