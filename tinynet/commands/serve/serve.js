"use strict";
// Requests of the forms of a page, and their answers as tables.
(() => {
  for (const part of document.querySelectorAll("[data-origin]")) part.textContent = location.origin;

  const element = (tag, text, name) => {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (name) made.className = name;
    return made;
  };

  // The body of a request, with its media type; a form has one of its own.
  const bodies = {
    record(form) {
      const record = {};
      for (const input of form.querySelectorAll("[data-column]")) {
        const text = input.value.trim(), number = Number(text);
        const isNumber = input.dataset.kind === "number" && text !== "" && Number.isFinite(number);
        record[input.dataset.column] = text === "" ? null : isNumber ? number : text;
      }
      return [JSON.stringify([record]), "application/json"];
    },
    files(form) {
      const data = new FormData();
      for (const file of form.querySelector("[type=file]").files) data.append("file", file);
      return [data, null];
    },
    text: form => [form.querySelector("textarea").value, "text/plain"],
    table(form) {
      const file = form.querySelector("[type=file]").files[0];
      if (file) {
        const data = new FormData();
        data.append("file", file);
        return [data, null];
      }
      const text = form.querySelector("textarea").value;
      const tabs = text.split("\n", 1)[0].includes("\t");
      return [text, tabs ? "text/tab-separated-values" : "text/csv"];
    },
    json: form => [form.querySelector("textarea").value, "application/json"],
  };

  const cell = (value, name = "") => {
    if (value === null) return "";
    if (typeof value === "number" && name.startsWith("p(")) return value.toFixed(4);
    if (typeof value === "number") return Number.isInteger(value) ? String(value) : String(+value.toPrecision(6));
    return Array.isArray(value) ? value.map(part => cell(part)).join(", ") : String(value);
  };

  const MOST = 500;

  const shown = (answer, target) => {
    for (const warning of answer.warnings ?? []) target.append(element("p", warning, "note"));
    const scroll = element("div", undefined, "scroll");
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", "Predictions");
    const table = element("table"), head = table.createTHead().insertRow(), body = table.createTBody();
    const isNumber = name => answer.records.every(record => typeof record[name] === "number");
    const alone = answer.records.length === 1;
    const columns = answer.columns.filter(name => !alone || name !== "sample");
    const numeric = new Set(columns.filter(isNumber));
    for (const name of columns) {
      const title = element("th", name, numeric.has(name) ? "number" : "");
      title.scope = "col";
      head.append(title);
    }
    for (const record of answer.records.slice(0, MOST)) {
      const row = body.insertRow();
      for (const name of columns) row.append(element("td", cell(record[name], name), numeric.has(name) ? "number" : ""));
    }
    scroll.append(table);
    target.append(scroll);
    const rest = answer.records.length - MOST;
    if (rest > 0) target.append(element("p", rest.toLocaleString("en") + " more samples are not shown.", "note"));
  };

  const send = async form => {
    const target = form.querySelector(".answer"), button = form.querySelector("button");
    const [body, kind] = bodies[form.dataset.send](form);
    const resize = form.querySelector("[data-resize]")?.checked ? "&resize=true" : "";
    button.disabled = true;
    target.setAttribute("aria-busy", "true");
    try {
      const headers = kind ? { "Content-Type": kind } : {};
      const response = await fetch("predict?form=records" + resize, { method: "POST", body, headers });
      const answer = await response.json();
      target.replaceChildren();
      if (answer.error) target.append(element("p", answer.error.message, "error"));
      else shown(answer, target);
    } catch {
      target.replaceChildren(element("p", "The server does not answer; has it ended?", "error"));
    } finally {
      button.disabled = false;
      target.removeAttribute("aria-busy");
    }
  };

  for (const form of document.querySelectorAll("form[data-send]")) {
    form.addEventListener("submit", event => {
      event.preventDefault();
      send(form);
    });
    const previews = form.querySelector("[data-previews]"), files = form.querySelector("[type=file]");
    if (!previews) continue;
    files.addEventListener("change", () => {
      for (const image of previews.querySelectorAll("img")) URL.revokeObjectURL(image.src);
      previews.replaceChildren(...[...files.files].slice(0, 24).map(file => {
        const item = element("li"), figure = element("figure"), image = element("img");
        image.src = URL.createObjectURL(file);
        image.alt = "";
        image.height = 72;
        figure.append(image, element("figcaption", file.name));
        item.append(figure);
        return item;
      }));
    });
  }
})();
