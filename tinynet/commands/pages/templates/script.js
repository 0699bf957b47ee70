"use strict";
// Values at the pointer in line charts, and sorting of tables. The page is complete without it.
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const live = document.createElement("div");
  live.className = "hidden";
  live.setAttribute("aria-live", "polite");
  const tip = document.createElement("div");
  tip.className = "tooltip";
  tip.hidden = true;
  document.body.append(live, tip);

  const text = value => {
    const size = Math.abs(value);
    if (value === 0 || (Number.isInteger(value) && size < 1e6)) return value.toLocaleString("en");
    return size >= 1e-4 && size < 1e6 ? String(+value.toPrecision(5)) : value.toExponential(3);
  };

  const place = ([low, high, start, end, log], value) => {
    const f = log ? Math.log10 : x => x;
    return start + (f(value) - f(low)) / (f(high) - f(low)) * (end - start);
  };

  for (const svg of document.querySelectorAll("svg[data-points]")) prepare(svg);

  function prepare(svg) {
    const data = JSON.parse(svg.dataset.points);
    const xs = [...new Set(data.lines.flatMap(line => line.x))].sort((a, b) => a - b);
    if (!xs.length) return;
    const cursor = document.createElementNS(SVG, "g");
    svg.append(cursor);
    svg.tabIndex = 0;
    let at = xs.length - 1;

    // The point of a line that is nearest to a position, if it is not far away.
    const nearest = (line, x) => {
      let best = -1;
      line.x.forEach((other, i) => {
        if (line.y[i] !== null && (best < 0 || Math.abs(other - x) < Math.abs(line.x[best] - x))) best = i;
      });
      const far = best < 0 || Math.abs(place(data.sx, line.x[best]) - place(data.sx, x)) > 6;
      return far ? null : [line.x[best], line.y[best]];
    };

    const show = () => {
      const x = xs[at], px = place(data.sx, x);
      const parts = [];
      cursor.replaceChildren();
      const rule = document.createElementNS(SVG, "line");
      rule.setAttribute("class", "cursor");
      const [, , bottom, top] = data.sy;
      for (const [key, value] of Object.entries({ x1: px, x2: px, y1: top, y2: bottom })) rule.setAttribute(key, value);
      cursor.append(rule);
      const table = document.createElement("table");
      for (const line of data.lines) {
        const point = nearest(line, x);
        if (!point) continue;
        const dot = document.createElementNS(SVG, "circle");
        dot.setAttribute("class", "cursor-dot " + line.style);
        dot.setAttribute("cx", place(data.sx, point[0]));
        dot.setAttribute("cy", place(data.sy, point[1]));
        dot.setAttribute("r", 3.5);
        cursor.append(dot);
        const row = table.insertRow();
        row.insertCell().textContent = line.name;
        row.insertCell().textContent = text(point[1]);
        parts.push(line.name + " " + text(point[1]));
      }
      const head = document.createElement("b");
      head.textContent = data.label + " " + text(x);
      tip.replaceChildren(head, table);
      tip.hidden = false;
      const box = svg.getBoundingClientRect(), scale = box.width / svg.viewBox.baseVal.width;
      const left = box.left + px * scale, width = tip.offsetWidth;
      const beside = left + 12 + width > document.documentElement.clientWidth ? left - 12 - width : left + 12;
      tip.style.left = Math.max(4, beside) + scrollX + "px";
      tip.style.top = box.top + scrollY + top * scale + 4 + "px";
      live.textContent = head.textContent + ": " + parts.join(", ");
    };
    const hide = () => { tip.hidden = true; cursor.replaceChildren(); };

    svg.addEventListener("pointermove", event => {
      const box = svg.getBoundingClientRect();
      const px = (event.clientX - box.left) * svg.viewBox.baseVal.width / box.width;
      const distance = x => Math.abs(place(data.sx, x) - px);
      at = xs.reduce((best, x, i) => distance(x) < distance(xs[best]) ? i : best, 0);
      show();
    });
    svg.addEventListener("pointerleave", () => document.activeElement === svg ? show() : hide());
    svg.addEventListener("focus", () => svg.matches(":focus-visible") && show());
    svg.addEventListener("blur", hide);
    svg.addEventListener("keydown", event => {
      const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity, PageUp: -10, PageDown: 10 };
      if (event.key === "Escape") return hide();
      if (!(event.key in steps)) return;
      event.preventDefault();
      at = Math.min(Math.max(at + steps[event.key], 0), xs.length - 1);
      show();
    });
  }

  for (const table of document.querySelectorAll("table[data-sortable]")) {
    const body = table.tBodies[0];
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      if (head.tagName !== "TH") return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const key = row => row.cells[column].dataset.value ?? row.cells[column].textContent;
        const empty = row => row.cells[column].textContent === "";
        const compare = (a, b) => {
          if (empty(a) !== empty(b)) return empty(a) ? 1 : -1;
          const x = key(a), y = key(b);
          const order = isNaN(x) || isNaN(y) ? x.localeCompare(y, "en", { numeric: true }) : x - y;
          return down ? -order : order;
        };
        body.append(...[...body.rows].sort(compare));
      });
    });
  }
})();
