
"use strict";
(() => {
  const { environments, nodes } = JSON.parse(document.getElementById("map").textContent);
  const svg = document.querySelector("svg.map");
  const told = document.getElementById("told");
  const filters = document.getElementById("filters");
  const hint = told.textContent;
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const above = new Map(nodes.map((node) => [node.id, []]));
  for (const node of nodes) for (const id of node.rests) above.get(id)?.push(node.id);
  const shapes = new Map([...svg.querySelectorAll("[data-id]")].map((shape) => [shape.dataset.id, shape]));
  const lines = [...svg.querySelectorAll("[data-from]")];
  let held = null;

  // All that can be reached from a node, itself not among it.
  const reach = (start, next) => {
    const seen = new Set([start]);
    for (const id of seen) for (const other of next(id)) seen.add(other);
    seen.delete(start);
    return seen;
  };
  const rests = (start) => reach(start, (id) => byId.get(id)?.rests ?? []);
  const breaks = (start) => reach(start, (id) => above.get(id) ?? []);
  const clear = () => {
    svg.classList.remove("lit");
    for (const shape of svg.querySelectorAll(".self, .rests, .breaks")) shape.classList.remove("self", "rests", "breaks");
  };
  const number = (count, noun) => `${count} ${count === 1 ? noun : noun.endsWith("y") ? noun.slice(0, -1) + "ies" : noun + "s"}`;
  const figures = (ids) => {
    const of = (letter) => [...ids].filter((id) => id.startsWith(letter)).length;
    const parts = [[of("c"), "capability"], [of("s"), "stack"], [of("t"), "type of resource"]];
    const words = parts.filter(([count]) => count > 0).map(([count, noun]) =>
      noun.startsWith("type") ? `${count} ${count === 1 ? "type" : "types"} of resources` : number(count, noun));
    return words.join(", ") || "nothing";
  };
  const business = (ids) => [...ids].map((id) => byId.get(id)).filter((node) => node.kind === "business capability").map((node) => node.name);
  const say = (node, down, up) => {
    told.replaceChildren();
    const add = (text, kind) => {
      const part = document.createElement(kind ? "span" : "b");
      if (kind) part.className = kind;
      part.textContent = text;
      told.append(part);
    };
    add(node.name);
    const owner = node.kind.startsWith("type") ? "" : ` of ${node.owner ?? "nobody"}`;
    told.append(`, ${node.kind}${owner}. `);
    add("Breaks with it: ", "breaks");
    const names = business(up);
    told.append(`${figures(up)}${names.length ? ` (of the business: ${names.join(", ")})` : ""}. `);
    add("Rests on: ", "rests");
    told.append(`${figures(down)}.`);
  };
  const show = (id) => {
    const node = byId.get(id);
    if (!node) return;
    clear();
    const down = rests(id);
    const up = breaks(id);
    svg.classList.add("lit");
    shapes.get(id)?.classList.add("self");
    for (const other of down) shapes.get(other)?.classList.add("rests");
    for (const other of up) shapes.get(other)?.classList.add("breaks");
    for (const line of lines) {
      const inside = (set) => {
        const from = line.dataset.from;
        const to = line.dataset.to;
        const has = (end) => end === id || set.has(end);
        // A line to a box of stacks belongs to the capability that they serve.
        return has(from) && (to.startsWith("b") ? (byId.get(from)?.rests ?? []).some((end) => end.startsWith("s") && has(end)) : has(to));
      };
      if (inside(down)) line.classList.add("rests");
      else if (inside(up)) line.classList.add("breaks");
    }
    say(node, down, up);
  };
  const rest = () => {
    clear();
    told.textContent = hint;
  };
  const idOf = (event) => event.target.closest?.("[data-id]")?.dataset.id;
  svg.addEventListener("pointerover", (event) => {
    if (held) return;
    const id = idOf(event);
    if (id) show(id); else rest();
  });
  svg.addEventListener("pointerleave", () => { if (!held) rest(); });
  svg.addEventListener("focusin", (event) => { const id = idOf(event); if (id) show(id); });
  svg.addEventListener("focusout", () => { if (!held) rest(); });
  // A click holds what is shown until the next.
  const hold = (id) => {
    held = id && id !== held ? id : null;
    if (held) show(held); else rest();
  };
  svg.addEventListener("click", (event) => hold(idOf(event)));
  svg.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); hold(idOf(event)); }
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") { held = null; rest(); } });

  const filter = () => {
    const { owner, environment } = Object.fromEntries(new FormData(filters));
    for (const node of nodes) {
      const isType = node.kind.startsWith("type");
      const fitsOwner = owner === "" || (owner === "-" ? !node.owner : node.owner === owner);
      const fitsEnvironment = environment === "" || node.environments.includes(Number(environment));
      shapes.get(node.id)?.classList.toggle("out", !(fitsEnvironment && (fitsOwner || (isType && owner === ""))));
    }
    environments.forEach((_, at) => {
      for (const cell of svg.querySelectorAll(`.e${at}`)) cell.classList.toggle("off", environment !== "" && Number(environment) !== at);
    });
  };
  filters.addEventListener("change", filter);
  filters.addEventListener("reset", () => setTimeout(filter));
  // What was pointed at can be sent to somebody: the page's address names it.
  const named = decodeURIComponent(location.hash.slice(1));
  const linked = nodes.find((node) => node.name === named);
  if (linked) hold(linked.id);
})();
