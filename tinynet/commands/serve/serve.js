"use strict";
// Requests of the forms of a page, and their answers as tables.
(() => {
  for (const part of document.querySelectorAll("[data-origin]")) part.textContent = location.origin;

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
    // As JSON: in a file of texts, each line would be a text of its own.
    text: form => [JSON.stringify([form.querySelector("textarea").value]), "application/json"],
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

  const MOST = 500, MOST_WITH_POSITIONS = 48;

  const warned = texts => {
    const list = element("ul", undefined, "notices");
    for (const text of texts) list.append(element("li", text, "warning"));
    return list;
  };

  // A region is named after its form, since a page has several.
  const tableOf = (answer, columns, name) => {
    const scroll = element("div", undefined, "scroll");
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", `Predictions: ${name}`);
    const table = element("table"), head = table.createTHead().insertRow(), body = table.createTBody();
    const isNumber = name => answer.records.every(record => typeof record[name] === "number");
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
    return scroll;
  };

  const withPositions = (answer, starts) => answer.records.slice(0, MOST_WITH_POSITIONS).map(record => {
    const block = element("div", undefined, "sample");
    const names = ["file", "sample"].filter(name => name in record);
    const title = names.map(name => `${name} ${record[name]}`).join(", ");
    if (answer.records.length > 1) block.append(element("h3", title));
    for (const prefix of starts) block.append(positions.shown(record, prefix));
    return block;
  });

  const shown = (answer, target, name) => {
    const warnings = answer.warnings ?? [];
    if (warnings.length) target.append(warned(warnings));
    const alone = answer.records.length === 1, starts = positions.prefixes(answer.columns);
    const columns = answer.columns.filter(
      name => !positions.isPart(name, starts) && (!alone || name !== "sample"));
    const isTitle = name => starts.length > 0 && ["file", "sample"].includes(name);
    if (!columns.every(isTitle)) target.append(tableOf(answer, columns, name));
    if (starts.length) target.append(...withPositions(answer, starts));
    positions.drawAll(target);
    const rest = answer.records.length - (starts.length ? MOST_WITH_POSITIONS : MOST);
    if (rest > 0) target.append(element("p", rest.toLocaleString("en") + " more samples are not shown.", "note"));
  };

  const send = async form => {
    const target = form.querySelector(".answer"), button = form.querySelector("button");
    if (button.getAttribute("aria-disabled") === "true") return;
    const [body, kind] = bodies[form.dataset.send](form);
    const resize = form.querySelector("[data-resize]")?.checked ? "&resize=true" : "";
    // A disabled button would lose the focus of the keyboard.
    button.setAttribute("aria-disabled", "true");
    target.setAttribute("aria-busy", "true");
    let answer = { error: { message: "The server does not answer; has it ended?" } };
    try {
      const headers = kind ? { "Content-Type": kind } : {};
      const response = await fetch("predict?form=records" + resize, { method: "POST", body, headers });
      answer = await response.json();
    } catch {
      // The message says it.
    }
    button.removeAttribute("aria-disabled");
    target.removeAttribute("aria-busy");
    const hadFocus = target.contains(document.activeElement);
    target.replaceChildren();
    if (answer.error) target.append(element("p", answer.error.message, "error"));
    else shown(answer, target, form.closest("section").querySelector("h2").textContent);
    if (hadFocus) button.focus();
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
