// The viewer's keys. All they do is also done by links and fields: without this the pages work too.
"use strict";
const rows = () => [...document.querySelectorAll("a.row-link, .question .group > summary")]
  .filter((row) => row.offsetParent !== null);
const typing = (element) => element.closest("input, select, textarea, [contenteditable]") !== null;

function step(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.indexOf(document.activeElement);
  const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1);
  all[next].focus();
  all[next].scrollIntoView({ block: "nearest" });
}

function showKeys() {
  const dialog = document.getElementById("keys");
  if (dialog.open) dialog.close();
  else dialog.showModal();
}

const actions = {
  j: () => step(1),
  k: () => step(-1),
  n: () => document.querySelector("a[rel=next]")?.click(),
  p: () => document.querySelector("a[rel=prev]")?.click(),
  "/": () => {
    const field = document.querySelector("input[type=search]");
    if (field) { field.focus(); field.select(); }
    else document.querySelector("a[rel=up]")?.click();
  },
  "?": showKeys,
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const action = actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});
document.querySelector(".keys-link")?.addEventListener("click", (event) => {
  event.preventDefault();
  showKeys();
});
// A link to a response opens the answers that it stands among.
const target = location.hash && document.getElementById(location.hash.slice(1));
for (let part = target; part; part = part.parentElement) {
  if (part.tagName === "DETAILS") part.open = true;
}
if (target) target.scrollIntoView({ block: "center" });
