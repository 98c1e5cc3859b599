"use strict";
// The interpreter of expressions needs no eval, so the page's content policy can forbid it.
const specs = JSON.parse(document.getElementById("specs").textContent);
const options = { renderer: "svg", actions: false, ast: true };
const drawn = Object.entries(specs).map(([name, spec]) =>
  vegaEmbed(document.getElementById(name), spec, options).catch((error) => console.error(name, error))
);
Promise.all(drawn).then(() => document.body.setAttribute("data-drawn", String(drawn.length)));

// Paper has no click: what is folded is printed open.
let closed = [];
addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("details:not([open])")];
  closed.forEach((details) => { details.open = true; });
});
addEventListener("afterprint", () => closed.forEach((details) => { details.open = false; }));
