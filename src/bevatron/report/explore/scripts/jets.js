"use strict";
// Displays of jets across the beam. Lengths are in mm, x along the jet's axis, y to its left; see jet_display.py.
bevatron.panel("jets", (element, data) => {
  const { create, number, percent, literal, COLOURS } = bevatron;
  const QUARKS = { 5: "beauty", 4: "charm" };
  const hasOrigins = data.jets.some((jet) => jet.tracks.track_origin);
  const hasTruth = data.jets.some((jet) => jet.truth);
  let shown = data.jets.map((_, i) => i);

  const present = data.classes.map((name, k) => [String(k), name])
    .filter(([k]) => data.jets.some((jet) => jet.label === Number(k)));
  const classes = bevatron.select({ label: "class", options: [["all", "all classes"], ...present], onChange: choose });
  const models = data.models.length ? bevatron.select({
    label: "network", options: data.models.map((m, i) => [String(i), m.title]), value: String(data.first ?? 0), onChange: draw,
  }) : null;
  const jets = bevatron.slider({
    label: "jet", min: 0, max: shown.length - 1, value: 0, wide: false, onInput: draw,
    format: (k) => `${k + 1} of ${shown.length}`,
  });
  const stretch = bevatron.slider({
    label: "distances across the axis, stretched by", min: 1, max: 20, value: 4, format: (k) => `× ${k}`, onInput: draw,
  });
  const zoom = bevatron.slider({
    label: "zoom", min: -3, max: 4, step: 0.5, value: 0, wide: false, onInput: draw,
    format: (k) => k === 0 ? "to fit" : `× ${number(2 ** k, 2)}`,
  });
  const truth = bevatron.checkbox({ label: "show the truth", checked: hasTruth, onChange: draw });
  const colour = bevatron.checkbox({ label: "colour tracks by their true origin", checked: hasOrigins, onChange: draw });
  const view = create("div", { class: "plot event" }), bars = create("div", { class: "plot probabilities" });
  const summary = create("p", { attributes: { "aria-live": "polite" }, class: "summary" });
  element.append(bevatron.row(classes, ...(models ? [models] : []), jets), bevatron.row(stretch, zoom),
    bevatron.row(...(hasTruth ? [truth] : []), ...(hasOrigins ? [colour] : [])), summary, view, ...(models ? [bars] : []));

  function choose() {
    shown = data.jets.map((_, i) => i).filter((i) => classes.value === "all" || data.jets[i].label === Number(classes.value));
    jets.max = shown.length - 1;
    jets.value = 0;
    draw();
  }

  /** The length along the axis that is shown, mm: what is displaced with some room, at least 2 mm and at most 40. */
  function reach(jet) {
    const far = [...jet.vertices.map((v) => v.radius ?? Math.hypot(v.x, v.y)), ...(jet.truth ? jet.truth.decays.map((d) => Math.hypot(d.x, d.y)) : [])];
    return Math.min(40, Math.max(2, 1.4 * Math.max(0, ...far)));
  }

  /** Lines from (x, y) along phi, as one trace: from `back` mm behind the point to `length` mm in front of it. */
  function lines(x, y, phi, back, length) {
    const xs = [], ys = [];
    x.forEach((start, i) => {
      if (start === null || y[i] === null || phi[i] === null) return;
      const along = Math.cos(phi[i]), across = Math.sin(phi[i]);
      xs.push(start - back * along, start + length * along, null);
      ys.push(y[i] - back * across, y[i] + length * across, null);
    });
    return { x: xs, y: ys };
  }

  function trackTraces(jet, length) {
    const { x, y, phi, significance, track_origin: origin } = jet.tracks;
    const kinds = hasOrigins && colour.input.checked
      ? data.origins.map((name, k) => [name, k, COLOURS[k % COLOURS.length]])
      : [["tracks within 3 σ of the primary vertex", 0, "#717581"], ["tracks further away", 1, "#3f90da"]];
    const kindOf = (i) => hasOrigins && colour.input.checked ? origin[i] : Number(significance[i] > 3);
    return kinds.map(([name, kind, tint]) => {
      const own = x.map((_, i) => i).filter((i) => kindOf(i) === kind);
      const pick = (values) => own.map((i) => values[i]);
      return {
        ...lines(pick(x), pick(y), pick(phi), length, 2 * length), mode: "lines", name: literal(name), hoverinfo: "skip",
        line: { color: tint, width: 1.6 }, showlegend: own.length > 0,
      };
    });
  }

  function truthTraces(jet, length) {
    if (!jet.truth || !truth.input.checked) return [];
    const { particles, decays } = jet.truth;
    const traces = [
      {
        ...lines(particles.x, particles.y, particles.phi, 0, 3 * length), mode: "lines", hoverinfo: "skip",
        name: "true charged particles", line: { color: "#222222", width: 0.9, dash: "dot" },
      },
      { x: particles.x, y: particles.y, mode: "markers", name: "where they start", marker: { size: 4, color: "#222222" } },
    ];
    for (const quark of [5, 4]) {
      const own = decays.filter((decay) => decay.quark === quark);
      if (own.length) traces.push({
        x: own.map((d) => d.x), y: own.map((d) => d.y), mode: "markers", name: `true decay of a ${QUARKS[quark]} hadron`,
        marker: { size: 15, symbol: "star", color: quark === 5 ? "#bd1f01" : "#e76300", line: { color: "#ffffff", width: 1 } },
      });
    }
    return traces;
  }

  function vertexTraces(jet) {
    return jet.vertices.map((vertex) => {
      const name = `reconstructed vertex, ${vertex.n_tracks} tracks, ${number(vertex.mass, 3)} GeV`;
      const look = { name, marker: { size: 13, symbol: "diamond-open", color: "#832db6", line: { width: 2.5 } }, line: { color: "#832db6", width: 2.5, dash: "dash" } };
      if (vertex.radius === undefined) return { x: [vertex.x], y: [vertex.y], mode: "markers", ...look };
      const angles = Array.from({ length: 41 }, (_, i) => (i - 20) / 50);
      return {
        x: angles.map((a) => vertex.radius * Math.cos(a)), y: angles.map((a) => vertex.radius * Math.sin(a)), mode: "lines",
        ...look, name: `${name}: at this distance`,
      };
    });
  }

  function describe(jet) {
    const away = jet.tracks.significance.filter((s) => s > 3).length;
    const parts = [`A jet of the class ${data.classes[jet.label]} with pT ${number(jet.pt, 3)} GeV, η ${number(jet.eta, 3)}, and ` +
      `${jet.tracks.x.length} tracks, ${away} of them more than 3 σ from the primary vertex.`];
    for (const vertex of jet.vertices) {
      parts.push(`Reconstructed vertex: ${number(vertex.radius ?? Math.hypot(vertex.x, vertex.y), 3)} mm away, ` +
        `${number(vertex.significance, 3)} σ, ${vertex.n_tracks} tracks, ${number(vertex.mass, 3)} GeV.`);
    }
    if (jet.truth && truth.input.checked) {
      for (const d of jet.truth.decays) parts.push(`Truth: a ${QUARKS[d.quark]} hadron decays after ${number(Math.hypot(d.x, d.y), 3)} mm.`);
    }
    if (!jet.truth && truth.input.checked && hasTruth) parts.push("The raw shard of this jet is gone: no truth.");
    return parts.join(" ");
  }

  function drawBars(index) {
    if (!models) return;
    const own = data.models[Number(models.value)].probabilities[index];
    bevatron.plot(bars, [{
      type: "bar", orientation: "h", y: data.classes.map(literal), x: own, text: own.map((p) => percent(p ?? NaN)), textposition: "auto",
      marker: { color: data.classes.map((_, k) => k === data.jets[index].label ? "#3f90da" : "#94a4a2") }, hoverinfo: "skip",
    }], {
      height: 60 + 34 * data.classes.length, margin: { l: 130, r: 16, t: 8, b: 44 },
      xaxis: { range: [0, 1], title: { text: "probability (blue: the true class)" } }, yaxis: { autorange: "reversed", type: "category" },
    }, `Probabilities: ${data.classes.map((name, k) => `${name} ${percent(own[k] ?? NaN)}`).join(", ")}.`);
  }

  function draw() {
    jets.show();
    const index = shown[jets.value], jet = data.jets[index];
    const length = reach(jet) / 2 ** zoom.value;
    summary.textContent = describe(jet);
    const wide = 1.3 * length, high = (wide * 0.5) / stretch.value;
    bevatron.plot(view, [
      { x: [-length, 2 * length], y: [0, 0], mode: "lines", name: "jet axis", line: { color: "#94a4a2", width: 1, dash: "dashdot" }, hoverinfo: "skip" },
      ...trackTraces(jet, length), ...truthTraces(jet, length), ...vertexTraces(jet),
      { x: [0], y: [0], mode: "markers", name: "primary vertex", marker: { size: 11, color: "#222222", symbol: "x" } },
    ], {
      height: 520, showlegend: true,
      xaxis: { title: { text: "along the jet's axis (mm)" }, range: [-0.3 * length, length] },
      yaxis: { title: { text: `across it (mm), stretched × ${stretch.value}` }, range: [-high / 2, high / 2], tickformat: "~g" },
    }, summary.textContent);
    drawBars(index);
  }
  draw();
});
