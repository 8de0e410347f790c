"use strict";
// Images under attack: image + ε sign, kept within [low, high]; probabilities were evaluated at each ε of the list.
bevatron.panel("adversarial", (element, data) => {
  const { create, number, percent, literal } = bevatron;
  const images = Object.fromEntries(Object.entries(data.images).map(([key, encoded]) => [key, bevatron.array(encoded)]));
  const signs = new Map();
  const names = bevatron.select({ label: "network", options: data.models.map((m, i) => [String(i), m.title]), onChange: () => { reset(); draw(); } });
  const kind = bevatron.select({ label: "change", options: data.kinds, onChange: draw });
  const model = () => data.models[Number(names.value)];
  const image = bevatron.select({ label: "image", options: [], onChange: draw });
  const epsilon = bevatron.slider({
    label: "ε, the largest change of a pixel", min: 0, max: model().epsilons.length - 1, value: 0, onInput: draw,
    format: (k) => `ε = ${number(model().epsilons[k], 3)}`,
  });
  const summary = create("p", { attributes: { "aria-live": "polite" }, class: "summary" });
  const imagesRow = create("div", { class: "plots images" });
  const places = ["original", "change", "changed"].map((name) => create("div", { class: `plot ${name}` }));
  const bars = create("div", { class: "plot probabilities" }), course = create("div", { class: "plot course" });
  imagesRow.style.gridTemplateColumns = "repeat(auto-fit, minmax(min(100%, 14rem), 1fr))";
  imagesRow.append(...places);
  element.append(bevatron.row(names, kind, image), bevatron.row(epsilon), summary,
    imagesRow, create("div", { class: "plots" }, bars, course));

  function reset() {
    const chosen = image.value;
    image.input.replaceChildren(...model().labels.map((label, k) => create("option", { value: String(k) }, `${k + 1}: ${data.classes[label]}`)));
    if (chosen && Number(chosen) < model().labels.length) image.value = chosen;
    epsilon.max = model().epsilons.length - 1;
  }

  function signOf(m, attack) {
    const encoded = m.attacks[attack].sign;
    if (!signs.has(encoded)) signs.set(encoded, bevatron.array(encoded));
    return signs.get(encoded);
  }

  /** Values of one image [channel][row][column], from a function of the place in the array. */
  function grid(values, k, value) {
    const [, channels, height, width] = values.shape;
    return Array.from({ length: channels }, (_, c) => Array.from({ length: height }, (_, r) =>
      Array.from({ length: width }, (_, x) => value(((k * channels + c) * height + r) * width + x))));
  }

  function drawImage(target, channels, title, low, high) {
    const shade = (v) => Math.round(255 * Math.min(1, Math.max(0, (v - low) / (high - low))));
    const colours = channels.length === 3;
    const trace = colours
      ? { type: "image", z: channels[0].map((line, r) => line.map((_, x) => channels.map((c) => shade(c[r][x])))), hoverinfo: "skip" }
      : { type: "heatmap", z: channels[0], zmin: low, zmax: high, colorscale: "Greys", showscale: false, hoverinfo: "z" };
    bevatron.plot(target, [trace], {
      height: 270, margin: { l: 16, r: 8, t: 34, b: 16 }, title: { text: literal(title), font: { size: 14 }, x: 0.02, xanchor: "left" },
      xaxis: { showticklabels: false, showgrid: false, ticks: "", constrain: "domain" },
      yaxis: { showticklabels: false, showgrid: false, ticks: "", scaleanchor: "x", constrain: "domain", autorange: "reversed" },
    }, title);
  }

  const best = (probabilities) => probabilities.indexOf(Math.max(...probabilities));

  function draw() {
    epsilon.show();
    const m = model(), k = Number(image.value), step = epsilon.value, size = m.epsilons[step];
    const values = images[m.images], sign = signOf(m, kind.value), probabilities = m.attacks[kind.value].probabilities[k];
    const before = probabilities[0], after = probabilities[step], truth = m.labels[k];
    const changed = (i) => size === 0 ? values[i] : Math.min(m.high, Math.max(m.low, values[i] + size * sign[i]));
    drawImage(places[0], grid(values, k, (i) => values[i]), "original", m.low, m.high);
    const largest = m.epsilons[m.epsilons.length - 1];
    drawImage(places[1], grid(values, k, (i) => changed(i) - values[i]), "change (grey: none)", -largest, largest);
    drawImage(places[2], grid(values, k, changed), `changed, ε = ${number(size, 3)}`, m.low, m.high);
    const name = (p) => `${data.classes[best(p)]} (${percent(p[best(p)])})`;
    summary.textContent = `True class: ${data.classes[truth]}. Without a change the network says ${name(before)}; ` +
      `with ε = ${number(size, 3)} it says ${name(after)}: ${best(after) === truth ? "right" : "wrong"}.`;
    bevatron.plot(bars, [{
      type: "bar", orientation: "h", y: data.classes.map(literal), x: after, hoverinfo: "skip", text: after.map((p) => percent(p)), textposition: "auto",
      marker: { color: data.classes.map((_, c) => c === truth ? "#3f90da" : "#94a4a2") },
    }], {
      height: 80 + 26 * data.classes.length, margin: { l: 90, r: 12, t: 8, b: 44 },
      xaxis: { range: [0, 1], title: { text: "probability (blue: the true class)" } }, yaxis: { autorange: "reversed", type: "category" },
    }, `Probabilities: ${data.classes.map((text, c) => `${text} ${percent(after[c])}`).join(", ")}.`);
    const traces = data.kinds.map(([key, text]) => ({
      x: m.epsilons, y: m.attacks[key].probabilities[k].map((p) => p[truth]), mode: "lines+markers", name: literal(text),
    }));
    bevatron.plot(course, traces, {
      height: 80 + 26 * data.classes.length, xaxis: { title: { text: "ε" } }, yaxis: { title: { text: "probability of the true class" }, range: [-0.02, 1.02] },
      shapes: [{ type: "line", x0: size, x1: size, y0: 0, y1: 1, line: { color: "#222222", width: 2, dash: "dot" } }],
    }, "Probability of the true class against ε.");
  }
  reset();
  draw();
});
