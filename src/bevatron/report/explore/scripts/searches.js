"use strict";
// Parallel coordinates of a search. They are drawn as lines of an ordinary plot, since plotly's own parallel coordinates
// need WebGL and a mouse: here ranges are chosen with sliders.
bevatron.panel("searches", (element, data) => {
  const { create, number } = bevatron;
  const STEPS = 100;
  let search, axes, ranges;

  const names = bevatron.select({
    label: "search of", options: data.searches.map((s, i) => [String(i), s.model]), onChange: (value) => choose(Number(value)),
  });
  const axisBox = create("div", { class: "control" });
  const rangeBox = create("div", { class: "controls" });
  const failed = bevatron.checkbox({ label: "trials without a loss", checked: true, onChange: draw });
  const status = create("p", { class: "note", attributes: { "aria-live": "polite" } });
  const plot = create("div", { class: "plot" }), list = bevatron.frame();
  element.append(bevatron.row(names, axisBox, failed), rangeBox, status, plot, list);

  /** An axis with `place(value)`, 0 at its bottom and 1 at its top, NaN for no value, and `read(place)`, a text. */
  function complete(axis) {
    if (axis.kind === "choice") {
      const last = Math.max(1, axis.values.length - 1);
      return {
        ...axis, place: (value) => axis.values.length === 1 ? 0.5 : axis.values.indexOf(value) / last,
        read: (place) => axis.values.length === 1 ? axis.values[0] : axis.values[Math.round(place * last)],
        ticks: axis.values.map((value, i) => [axis.values.length === 1 ? 0.5 : i / last, value]),
      };
    }
    const along = axis.kind === "log" ? Math.log : (value) => value;
    const back = axis.kind === "log" ? Math.exp : (value) => value;
    const low = along(axis.low), width = along(axis.high) - low || 1;
    const read = (place) => number(back(low + place * width), 3);
    return {
      ...axis, read, place: (value) => value === "" || value === null ? NaN : (along(Number(value)) - low) / width,
      ticks: [0, 0.25, 0.5, 0.75, 1].map((place) => [place, read(place)]),
    };
  }

  function lossAxis() {
    const losses = search.trials.map((trial) => trial.loss).filter((loss) => loss !== null);
    const low = Math.min(...losses), high = Math.max(...losses);
    if (!losses.length) return { name: "validation loss", kind: "linear", low: 0, high: 1 };
    return { name: "validation loss", kind: low > 0 && high > 10 * low ? "log" : "linear", low, high };
  }

  function choose(index) {
    search = data.searches[index];
    axes = [...search.axes, lossAxis()].map(complete);
    ranges = axes.map(() => [0, STEPS]);
    const select = bevatron.select({
      label: "axis", options: axes.map((axis, i) => [String(i), axis.name]), onChange: (value) => chooseAxis(Number(value)),
    });
    axisBox.replaceChildren(...select.element.childNodes);
    chooseAxis(0);
  }

  function chooseAxis(index) {
    const axis = axes[index];
    const sliders = [["from", 0], ["to", 1]].map(([label, end]) => bevatron.slider({
      label: `${axis.name}, ${label}`, min: 0, max: STEPS, value: ranges[index][end], format: (value) => axis.read(value / STEPS),
      onInput: (value) => { ranges[index][end] = value; draw(); },
    }));
    rangeBox.replaceChildren(...sliders.map((slider) => slider.element));
    draw();
  }

  function places(trial) {
    return axes.map((axis, i) => axis.place(i < trial.values.length ? trial.values[i] : trial.loss));
  }

  /** A trial is shown if it is inside all ranges that are narrowed. */
  function isInside(at) {
    return at.every((place, i) => {
      const [from, to] = ranges[i];
      if (from === 0 && to === STEPS) return true;
      return place >= from / STEPS - 1e-9 && place <= to / STEPS + 1e-9;
    });
  }

  /** From dark blue (the best) to pale. */
  function colour(rank) {
    const [from, to] = [[20, 40, 110], [190, 214, 240]];
    return `rgb(${from.map((value, i) => Math.round(value + rank * (to[i] - value))).join(",")})`;
  }

  function draw() {
    const withLoss = search.trials.filter((trial) => trial.loss !== null).length;
    const shown = [], traces = [];
    search.trials.forEach((trial, rank) => {
      const at = places(trial);
      if ((trial.loss === null && !failed.input.checked) || !isInside(at)) return;
      shown.push(trial);
      const bad = trial.loss === null;
      const text = [`trial ${trial.number}: ${bad ? "no loss" : `loss ${number(trial.loss, 5)}`}, ${trial.status}`,
        ...search.axes.map((axis, i) => `${axis.name} = ${trial.values[i] || "–"}`)].map(bevatron.literal).join("<br>");
      traces.push({
        x: axes.map((_, i) => i), y: at.map((place) => Number.isNaN(place) ? null : place), mode: "lines+markers",
        line: bad ? { color: "#b9bec7", width: 1, dash: "dot" } : { color: colour(rank / Math.max(1, withLoss - 1)), width: rank === 0 ? 3.5 : 1.6 },
        marker: { size: 5 }, showlegend: false, text, hovertemplate: "%{text}<extra></extra>",
      });
    });
    const annotations = [], shapes = [];
    axes.forEach((axis, i) => {
      const narrowed = ranges[i][0] !== 0 || ranges[i][1] !== STEPS;
      shapes.push({ type: "line", x0: i, x1: i, y0: 0, y1: 1, line: { color: "#3c434e", width: 1 } });
      if (narrowed) {
        shapes.push({ type: "line", x0: i, x1: i, y0: ranges[i][0] / STEPS, y1: ranges[i][1] / STEPS, line: { color: "#bd1f01", width: 6 }, opacity: 0.5 });
      }
      annotations.push({ x: i, y: 1.07, text: bevatron.literal(axis.name.split(".").pop().replaceAll("_", " ")), showarrow: false, hovertext: bevatron.literal(axis.name) });
      for (const [place, text] of axis.ticks) {
        annotations.push({ x: i, y: place, text: bevatron.literal(text), showarrow: false, xanchor: i === axes.length - 1 ? "left" : "right", xshift: i === axes.length - 1 ? 6 : -6, font: { size: 11 }, bgcolor: "rgba(255,255,255,0.7)" });
      }
    });
    const best = shown.find((trial) => trial.loss !== null);
    status.textContent = `${shown.length} of ${search.trials.length} trials.` + (best
      ? ` Best: trial ${best.number}, loss ${number(best.loss, 5)}.` : " None of them has a loss.");
    const hidden = { visible: false, showgrid: false, fixedrange: true };
    bevatron.plot(plot, traces.reverse(), {
      xaxis: { ...hidden, range: [-0.35, axes.length - 0.65] }, yaxis: { ...hidden, range: [-0.05, 1.14] },
      shapes, annotations, hovermode: "closest", margin: { l: 20, r: 30, t: 16, b: 10 },
    }, `Parallel coordinates of the trials. ${status.textContent}`);
    drawTable(shown.slice(0, 10));
  }

  function drawTable(trials) {
    const head = ["trial", ...search.axes.map((axis) => axis.name), "loss", "epochs", "ended"];
    const rows = trials.map((trial) => [trial.number, ...trial.values, trial.loss === null ? "–" : number(trial.loss, 5), trial.epochs, trial.status]);
    const body = rows.map((cells) => create("tr", {}, ...cells.map((cell) => create("td", {}, shorten(cell)))));
    list.replaceChildren(create("table", { class: "trials" }, create("caption", {}, "The best ten of the trials shown."),
      create("thead", {}, create("tr", {}, ...head.map((text) => create("th", { scope: "col" }, text)))), create("tbody", {}, ...body)));
  }

  const shorten = (text) => text !== "" && Number.isFinite(Number(text)) ? number(Number(text)) : text;

  choose(0);
});
