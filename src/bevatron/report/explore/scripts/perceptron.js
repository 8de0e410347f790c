"use strict";
// A single unit over a plane: its response, its line, the points, and where the points are on the activation.
bevatron.panel("perceptron", (element, data) => {
  const { create, number, percent } = bevatron;
  const GRID = 61;
  const CLASSES = [bevatron.COLOURS[0], bevatron.COLOURS[2]];
  // f(z, slope), and the z where f = 1/2, at which the unit changes its mind.
  const ACTIVATIONS = {
    step: { title: "step (Rosenblatt)", f: (z) => (z > 0 ? 1 : 0), middle: () => 0 },
    logistic: { title: "logistic, 1 / (1 + exp(−z))", f: (z) => 1 / (1 + Math.exp(-z)), middle: () => 0 },
    tanh: { title: "tanh, (1 + tanh z) / 2", f: (z) => (1 + Math.tanh(z)) / 2, middle: () => 0 },
    relu: { title: "ReLU, max(0, z)", f: (z) => Math.max(0, z), middle: () => 0.5 },
    leaky_relu: { title: "leaky ReLU or PReLU", f: (z, slope) => (z > 0 ? z : slope * z), middle: () => 0.5 },
  };
  const nameOf = (activation) => (activation === "prelu" ? "leaky_relu" : activation in ACTIVATIONS ? activation : "step");
  let unit = data.units[0], seed = 0;

  const biggest = Math.max(1, ...data.units.flatMap((u) => u.weights.flat().map(Math.abs)));
  const bound = Math.ceil(1.5 * biggest);
  const weight = (label) => bevatron.slider({
    label, min: -bound, max: bound, step: 0.001, value: 0, format: (value) => value.toFixed(3), onInput: draw,
  });
  const w1 = weight("w₁"), w2 = weight("w₂"), theta = weight("θ");
  const slope = bevatron.slider({ label: "slope below zero", min: 0, max: 1, step: 0.0001, value: 0.01, format: number, onInput: draw });
  const runs = data.units.flatMap((u, i) => u.weights.map((_, k) => [`${i} ${k}`, `${u.title}, seed ${u.seeds[k]}`]));
  const from = bevatron.select({ label: "start from", options: runs, onChange: reset });
  const activation = bevatron.select({
    label: "activation f", options: Object.entries(ACTIVATIONS).map(([key, a]) => [key, a.title]), onChange: draw,
  });
  const sign = bevatron.select({
    label: "argument z", options: [["-1", "w·x − θ (this study)"], ["1", "w·x + θ (θ as a bias)"]], onChange: draw,
  });
  const again = create("button", { type: "button" }, "trained values");
  again.addEventListener("click", reset);
  const status = create("p", { class: "status", attributes: { role: "status", "aria-live": "polite" } });
  const plane = create("div", { class: "plot" }), response = create("div", { class: "plot" });
  element.append(bevatron.row(from, activation, sign, create("div", { class: "control row" }, again)),
    bevatron.row(w1, w2, theta, slope), status, create("div", { class: "plots" }, plane, response));

  /** All values as the chosen training left them. */
  function reset() {
    const [index, which] = from.value.split(" ").map(Number);
    [unit, seed] = [data.units[index], which];
    [w1.value, w2.value, theta.value] = unit.weights[seed];
    activation.value = nameOf(unit.activation);
    sign.value = "-1";
    if (unit.slopes) slope.value = unit.slopes[seed];
    draw();
  }

  function draw() {
    const points = data.points[unit.points], chosen = ACTIVATIONS[activation.value];
    const [a, b, t, s] = [w1.value, w2.value, Number(sign.value) * theta.value, slope.value];
    slope.input.disabled = activation.value !== "leaky_relu";
    const z = (x, y) => a * x + b * y + t;
    const f = (value) => chosen.f(value, s);
    const at = points.x.map(([x, y]) => z(x, y)), y = at.map(f);
    const right = y.filter((value, i) => (value > 0.5 ? 1 : 0) === points.label[i]).length;
    const loss = y.reduce((sum, value, i) => sum + (value - points.label[i]) ** 2 / 2, 0) / y.length;
    const length = Math.hypot(a, b);
    status.textContent = `${percent(right / y.length)} of ${y.length} points right; half the squared error ${number(loss)}; ` +
      (length > 0 ? `|w| = ${number(length)}, direction of w ${number(Math.atan2(b, a) * 180 / Math.PI)}°, the line is ` +
        `${number(Math.abs(chosen.middle() - t) / length)} from the origin.` : "w = 0: no line, all points are called the same.");
    drawPlane(points, z, f, a, b, chosen.middle() - t);
    drawResponse(points, at, y, f, chosen.middle());
  }

  function drawPlane(points, z, f, a, b, distance) {
    const [left, right, bottom, top] = points.extent;
    const x = Array.from({ length: GRID }, (_, i) => left + (right - left) * i / (GRID - 1));
    const y = Array.from({ length: GRID }, (_, i) => bottom + (top - bottom) * i / (GRID - 1));
    const values = y.map((second) => x.map((first) => f(z(first, second))));
    const all = values.flat();
    const traces = [{
      type: "heatmap", x, y, z: values, zmin: Math.max(-1, Math.min(0, ...all)), zmax: Math.min(3, Math.max(1, ...all)),
      colorscale: [[0, "#ffffff"], [1, "#8a94a3"]], colorbar: { title: { text: "y" }, thickness: 12 }, hovertemplate: "y = %{z:.3f}<extra></extra>",
    }];
    data.classes.forEach((title, label) => {
      const mine = points.x.filter((_, i) => points.label[i] === label);
      traces.push({
        x: mine.map((p) => p[0]), y: mine.map((p) => p[1]), mode: "markers", name: bevatron.literal(title),
        marker: { color: CLASSES[label], size: 5, line: { color: "#ffffff", width: 0.5 } }, hoverinfo: "skip",
      });
    });
    const squared = a * a + b * b;
    if (squared > 0) {
      const foot = [a * distance / squared, b * distance / squared], far = 100 / Math.sqrt(squared);
      traces.push({
        x: [foot[0] - b * far, foot[0] + b * far], y: [foot[1] + a * far, foot[1] - a * far], mode: "lines", name: "y = ½",
        line: { color: "#222222", width: 2.5, dash: "dash" }, hoverinfo: "skip",
      });
    }
    bevatron.plot(plane, traces, {
      xaxis: { title: { text: "x₁" }, range: [left, right], constrain: "domain" },
      yaxis: { title: { text: "x₂" }, range: [bottom, top], scaleanchor: "x", constrain: "domain" }, height: 480,
    }, `The plane with the unit's response and line. ${status.textContent}`);
  }

  function drawResponse(points, at, y, f, middle) {
    const low = Math.min(-3, ...at), high = Math.max(3, ...at), n = 400;
    const z = Array.from({ length: n }, (_, i) => low + (high - low) * i / (n - 1));
    const traces = [{ x: z, y: z.map(f), mode: "lines", name: "f(z)", line: { color: "#222222", width: 2 } }];
    data.classes.forEach((title, label) => {
      const mine = at.map((value, i) => [value, y[i]]).filter((_, i) => points.label[i] === label);
      traces.push({
        x: mine.map((p) => p[0]), y: mine.map((p) => p[1]), mode: "markers", name: bevatron.literal(title),
        marker: { color: CLASSES[label], size: 6, opacity: 0.45 }, hoverinfo: "skip",
      });
    });
    bevatron.plot(response, traces, {
      xaxis: { title: { text: "z" } }, yaxis: { title: { text: "y = f(z)" } }, height: 480,
      shapes: [{ type: "line", xref: "paper", x0: 0, x1: 1, y0: 0.5, y1: 0.5, line: { color: "#717581", dash: "dot" } },
        { type: "line", yref: "paper", y0: 0, y1: 1, x0: middle, x1: middle, line: { color: "#717581", dash: "dot" } }],
    }, "The activation f against its argument, with the points of both classes.");
  }

  reset();
});
