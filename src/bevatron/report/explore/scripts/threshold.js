"use strict";
// A threshold on a classifier's score. data.models: `sums` (true class, best other class, thresholds reached), summed
// over seeds; a sample passes threshold k where its number of thresholds reached is above k. Position 0 of the slider
// keeps all samples, position k is the threshold edges[k - 1].
bevatron.panel("threshold", (element, data) => {
  const { create, number, percent } = bevatron;
  const { classes, signal } = data;
  const others = classes.map((_, c) => c).filter((c) => c !== signal);
  const models = data.models.map(prepare);
  const isProbability = data.fractions === null;
  let model = models[data.first];

  /** kept[c][k]: weight of true class c that passes position k; as(c, j, k): of it called j, where it does not pass. */
  function prepare(encoded) {
    const sums = bevatron.array(encoded.sums), edges = bevatron.array(encoded.edges);
    const n = classes.length, bins = edges.length + 1;
    const kept = classes.map(() => new Float64Array(bins));
    const below = classes.map(() => classes.map(() => new Float64Array(bins)));
    for (let c = 0; c < n; c++) {
      for (let k = bins - 1; k >= 0; k--) {
        let sum = k + 1 < bins ? kept[c][k + 1] : 0;
        for (let j = 0; j < n; j++) sum += sums[(c * n + j) * bins + k] / encoded.seeds;
        kept[c][k] = sum;
      }
      for (let j = 0; j < n; j++) {
        for (let k = 1; k < bins; k++) {
          below[c][j][k] = below[c][j][k - 1] + sums[(c * n + j) * bins + k - 1] / encoded.seeds;
        }
      }
    }
    return { title: encoded.title, edges, kept, below, positions: bins };
  }

  const efficiency = (m, c, k) => m.kept[c][k] / m.kept[c][0];

  /** Fraction kept of a background: a class number, or "rest" for all of them in the stated or the sample's mixture. */
  function mistag(m, background, k) {
    if (background !== "rest") return efficiency(m, Number(background), k);
    if (data.fractions !== null) {
      return others.reduce((sum, c) => sum + (data.fractions[c] ? data.fractions[c] * efficiency(m, c, k) : 0), 0);
    }
    const total = others.reduce((sum, c) => sum + m.kept[c][0], 0);
    return others.reduce((sum, c) => sum + m.kept[c][k], 0) / total;
  }

  /** The position whose signal efficiency is nearest to a wanted one. */
  function nearest(m, wanted) {
    let best = 0;
    for (let k = 0; k < m.positions; k++) {
      if (Math.abs(efficiency(m, signal, k) - wanted) < Math.abs(efficiency(m, signal, best) - wanted)) best = k;
    }
    return best;
  }

  const shown = (score) => isProbability ? 1 / (1 + Math.exp(-score)) : score;

  function describe(k) {
    const kept = percent(efficiency(model, signal, k));
    if (k === 0) return `no threshold: ${kept} of ${classes[signal]} kept`;
    const score = model.edges[k - 1], p = shown(score);
    const text = !isProbability ? `score ≥ ${number(score)}`
      : p > 0.999 ? `p ≥ 1 − ${number(1 / (1 + Math.exp(score)), 3)}` : `p ≥ ${number(p)}`;
    return `${text}: ${kept} of ${classes[signal]} kept`;
  }

  const names = bevatron.select({
    label: "model", options: models.map((m, i) => [String(i), m.title]), value: String(data.first),
    onChange: (value) => {
      const wanted = efficiency(model, signal, slider.value);
      model = models[Number(value)];
      slider.max = model.positions - 1;
      slider.value = nearest(model, wanted);
      draw();
    },
  });
  const background = bevatron.select({
    label: "background", options: [...(others.length > 1 ? [["rest", "all others"]] : []), ...others.map((c) => [String(c), classes[c]])],
    onChange: draw,
  });
  const view = bevatron.select({
    label: "figure", options: [["roc", "ROC curve"], ["rejection", "rejection"]], onChange: draw,
  });
  const unit = bevatron.select({
    label: "matrix", options: [["fraction", "fractions of the true class"], ["sum", data.weighted ? "sums of weights" : "samples"]],
    onChange: draw,
  });
  const slider = bevatron.slider({
    label: "threshold", min: 0, max: model.positions - 1, value: nearest(model, data.efficiency), format: describe, onInput: draw,
  });
  const roc = create("div", { class: "plot roc" }), scan = create("div", { class: "plot scan" });
  const rejections = bevatron.frame(), matrix = bevatron.frame();
  element.append(bevatron.row(names, background, view, unit), bevatron.row(slider),
    create("div", { class: "plots" }, roc, scan), create("div", { class: "plots" }, rejections, matrix));

  function table(name, caption, head, rows) {
    const body = create("tbody");
    for (const [title, ...cells] of rows) {
      const line = create("tr", {}, create("th", { scope: "row" }, title));
      cells.forEach((cell) => {
        const [text, shade] = Array.isArray(cell) ? cell : [cell, 0];
        const box = create("td", { class: "n" }, text);
        if (shade > 0.005) box.style.background = `rgba(63, 144, 218, ${(0.55 * shade).toFixed(3)})`;
        line.append(box);
      });
      body.append(line);
    }
    const top = create("tr", {}, ...head.map((text, i) => create("th", { scope: "col", class: i ? "n" : "" }, text)));
    return create("table", { class: `matrix ${name}` }, create("caption", {}, caption), create("thead", {}, top), body);
  }

  const amount = (value) => data.weighted ? number(value) : String(Number(value.toFixed(1)));

  function drawTables(k) {
    const kept = model.kept[signal][k];
    const list = others.length > 1 ? [...others.map(String), "rest"] : others.map(String);
    const rows = list.map((b) => {
      const fraction = mistag(model, b, k);
      const sum = b === "rest" ? others.reduce((total, c) => total + model.kept[c][k], 0) : model.kept[Number(b)][k];
      return [b === "rest" ? "all others" : classes[Number(b)], percent(fraction, 2), number(1 / fraction), amount(sum)];
    });
    rows.unshift([classes[signal], percent(efficiency(model, signal, k), 2), "", amount(kept)]);
    const all = others.reduce((total, c) => total + model.kept[c][k], kept);
    rejections.replaceChildren(table("rejections",
      `${percent(kept / all)} of what is kept is ${classes[signal]}, in the mixture of the test split.`,
      ["class", "kept", "rejection", data.weighted ? "weight kept" : "samples kept"], rows));
    const cells = classes.map((title, c) => [title, ...classes.map((_, j) => {
      const sum = j === signal ? model.kept[c][k] : model.below[c][j][k];
      const fraction = sum / model.kept[c][0];
      return [unit.value === "sum" ? amount(sum) : percent(fraction), fraction];
    })]);
    matrix.replaceChildren(table("confusion", "True class (rows) against the class it is called (columns).",
      ["true", ...classes], cells));
  }

  function curve(m) {
    const x = [], y = [];
    for (let k = 0; k < m.positions; k++) {
      const fraction = mistag(m, background.value, k);
      if (view.value === "rejection" && !(fraction > 0)) continue;
      x.push(efficiency(m, signal, k));
      y.push(view.value === "rejection" ? 1 / fraction : fraction);
    }
    return view.value === "rejection" ? [x, y] : [[...x, 0], [...y, 0]];
  }

  const few = models.length <= bevatron.COLOURS.length;  // else colours would come twice: all but the model are grey

  function drawPlots(k) {
    const name = background.value === "rest" ? "all others" : classes[Number(background.value)];
    const rejection = view.value === "rejection";
    const traces = models.map((m, i) => {
      const [x, y] = curve(m), current = m === model;
      return {
        x: rejection ? x : y, y: rejection ? y : x, mode: "lines", name: bevatron.literal(m.title), showlegend: few,
        line: { color: few ? bevatron.COLOURS[i] : current ? bevatron.COLOURS[0] : "#a5abb5", width: current ? 2.6 : 1.2 }, opacity: current ? 1 : 0.55,
      };
    });
    traces.push(traces.splice(models.indexOf(model), 1)[0]);  // on top of the others
    const fraction = mistag(model, background.value, k), kept = efficiency(model, signal, k);
    const point = rejection ? [kept, 1 / fraction] : [fraction, kept];
    traces.push({
      x: [point[0]], y: [Number.isFinite(point[1]) ? point[1] : null], mode: "markers", name: "threshold", showlegend: false,
      marker: { size: 12, color: "#222222", symbol: "circle-open", line: { width: 3 } },
    });
    const signalAxis = { title: { text: bevatron.literal(`fraction of ${classes[signal]} kept`) }, range: [0, 1.01] };
    const otherAxis = rejection ? { title: { text: bevatron.literal(`rejection of ${name}`) }, type: "log" }
      : { title: { text: bevatron.literal(`fraction of ${name} kept`) }, range: [0, 1.01] };
    bevatron.plot(roc, traces, { xaxis: rejection ? signalAxis : otherAxis, yaxis: rejection ? otherAxis : signalAxis },
      `${rejection ? "Rejection" : "ROC"} curves; at the threshold ${percent(kept)} of ${classes[signal]} and ` +
      `${percent(fraction, 2)} of ${name} are kept.`);
    const x = Array.from(model.edges, shown);
    const scans = classes.map((title, c) => ({
      x, y: x.map((_, i) => efficiency(model, c, i + 1)), mode: "lines", name: bevatron.literal(title),
      line: { color: bevatron.COLOURS[c % bevatron.COLOURS.length], width: c === signal ? 2.6 : 1.4 },
    }));
    const at = k === 0 ? null : shown(model.edges[k - 1]);
    bevatron.plot(scan, scans, {
      xaxis: { title: { text: isProbability ? "threshold on p" : "threshold on the score" }, ...(isProbability ? { range: [-0.01, 1.01] } : {}) },
      yaxis: { title: { text: "fraction kept" }, range: [0, 1.01] },
      shapes: at === null ? [] : [{ type: "line", x0: at, x1: at, y0: 0, y1: 1.01, line: { color: "#222222", width: 2, dash: "dot" } }],
    }, "Fraction of each class that is kept, against the threshold.");
  }

  function draw() {
    slider.show();
    drawTables(slider.value);
    drawPlots(slider.value);
  }
  draw();
});
