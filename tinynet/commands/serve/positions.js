"use strict";
// Predictions with a class for each position of a sample: maps of classes, and sequences.
// `element` and `positions` are also used by serve.js, which follows.
const element = (tag, text, name) => {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (name) made.className = name;
  return made;
};

const positions = (() => {
  const MOST_PIXELS = 1 << 20, MOST_LABELS = 300, MOST_CLASSES = 24, SIZE = 224, COLORS = 8;
  const PARTS = ["labels", "tokens", "probabilities", "outputs"];
  const known = JSON.parse(document.querySelector("[data-classes]").dataset.classes);

  // The starts of the names of outputs with positions: "" for the only output, or "kind/". An
  // output with any number of classes for a sample has labels, too, but a column for each class.
  const prefixes = columns => columns
    .filter(name => /(^|\/)labels$/.test(name))
    .map(name => name.slice(0, -"labels".length))
    .filter(prefix => columns.includes(prefix + "probabilities") || columns.includes(prefix + "outputs"));

  const isPart = (name, starts) => starts.some(prefix => PARTS.some(part => name === prefix + part));

  const label = text => text === "" || /^\s+$/.test(text) ? JSON.stringify(text) : text;

  // A color of the page for the first classes, and any other color for further ones.
  const color = number => number < COLORS ? `var(--s${number + 1})` : `hsl(${number * 137.5 % 360} 55% 50%)`;

  const draw = canvas => {
    const styles = getComputedStyle(canvas), context = canvas.getContext("2d");
    const fills = canvas.classNumbers.names.map((_, number) =>
      number < COLORS ? styles.getPropertyValue(`--s${number + 1}`) : color(number));
    canvas.classNumbers.rows.forEach((row, y) => row.forEach((number, x) => {
      context.fillStyle = fills[number];
      context.fillRect(x, y, 1, 1);
    }));
  };

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    document.querySelectorAll("canvas.classes").forEach(draw);
  });

  const picture = (rows, names, description) => {
    const canvas = element("canvas", undefined, "classes");
    canvas.width = rows[0].length;
    canvas.height = rows.length;
    canvas.style.width = `${canvas.width * Math.max(1, Math.floor(SIZE / Math.max(canvas.width, canvas.height)))}px`;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", description);
    canvas.classNumbers = { rows, names };
    return canvas;
  };

  const legend = (names, counts, total, hasColors) => {
    const table = element("table"), head = table.createTHead().insertRow(), body = table.createTBody();
    for (const [title, name] of [["class", ""], ["positions", "number"], ["share", "number"]]) {
      const cell = element("th", title, name);
      cell.scope = "col";
      head.append(cell);
    }
    const found = [...names.keys()].filter(number => counts[number]);
    const shown = found.length > MOST_CLASSES ? found.sort((a, b) => counts[b] - counts[a]).slice(0, MOST_CLASSES) : found;
    for (const number of shown) {
      const row = body.insertRow(), title = element("th");
      title.scope = "row";
      if (hasColors) {
        const swatch = element("span", undefined, "swatch");
        swatch.style.background = color(number);
        title.append(swatch);
      }
      title.append(label(names[number]));
      row.append(title, element("td", counts[number].toLocaleString("en"), "number"),
        element("td", `${(100 * counts[number] / total).toFixed(1)}%`, "number"));
    }
    if (shown.length < found.length) {
      const row = body.insertRow(), rest = element("th", `${found.length - shown.length} more classes`);
      rest.colSpan = 3;
      row.append(rest);
    }
    return table;
  };

  // Labels of two or more axes: a map if they are the pixels of an image, and counts.
  const map = (labels, classes) => {
    const names = [...new Set([...classes, ...labels.flat(Infinity)])];
    const numbers = new Map(names.map((name, number) => [name, number]));
    const flat = labels.flat(Infinity), counts = new Array(names.length).fill(0);
    for (const name of flat) counts[numbers.get(name)] += 1;
    const shape = [];
    for (let part = labels; Array.isArray(part); part = part[0]) shape.push(part.length);
    const isImage = shape.length === 2 && flat.length <= MOST_PIXELS;
    const block = element("div", undefined, "class-map");
    if (isImage) {
      const rows = labels.map(row => row.map(name => numbers.get(name)));
      block.append(picture(rows, names, `Map of classes, ${shape.join(" x ")}; the table has their counts`));
    }
    block.append(legend(names, counts, flat.length, isImage));
    return block;
  };

  const greatest = numbers => numbers.reduce((a, b) => Math.max(a, b));

  const sequence = (labels, tokens, probabilities) => {
    if (!labels.length) return element("p", "no positions", "note");
    const block = element("div"), list = element("ol", undefined, "sequence");
    labels.slice(0, MOST_LABELS).forEach((name, index) => {
      const item = element("li");
      if (tokens) item.append(element("span", label(tokens[index]), "token"), " ");
      item.append(element("strong", label(name)));
      if (probabilities) item.append(" ", element("small", greatest(probabilities[index]).toFixed(2)));
      list.append(item);
    });
    block.append(list);
    const rest = labels.length - MOST_LABELS;
    if (rest > 0) block.append(element("p", `${rest.toLocaleString("en")} more positions are not shown.`, "note"));
    return block;
  };

  // The part of a record below its title.
  const shown = (record, prefix) => {
    const labels = record[prefix + "labels"], name = prefix.slice(0, -1);
    const block = element("div");
    if (name) block.append(element("p", name, "output-name"));
    block.append(Array.isArray(labels[0])
      ? map(labels, known[name] ?? [])
      : sequence(labels, record[prefix + "tokens"], record[prefix + "probabilities"]));
    return block;
  };

  const drawAll = target => target.querySelectorAll("canvas.classes").forEach(draw);

  return { prefixes, isPart, shown, drawAll };
})();
