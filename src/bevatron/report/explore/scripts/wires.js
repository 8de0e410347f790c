"use strict";
// Displays of events in liquid argon: an image for each wire plane, boxes and classes of pixels; see wire_display.py.
bevatron.panel("wires", (element, data) => {
  const { create, number, percent, literal } = bevatron;
  const PIXELS = ["#3f90da", "#ffa90e", "#bd1f01", "#832db6", "#222222", "#a96b59", "#e76300", "#717581", "#92dadd"];
  const BOXES = ["#bd1f01", "#832db6", "#e76300", "#a96b59", "#222222", "#717581"];
  const MARGIN = 3, isDetection = data.task === "detection";
  const groups = Object.keys(data.groups);
  const hasTrue = groups.some((g) => data.events.some((e) => e.images[g].true));
  const hasPredicted = data.models.some((m) => m.pixels), hasBoxes = data.events.some((e) => e.boxes.length);
  let shown = data.events.map((_, i) => i);

  const labels = new Set(data.events.map((event) => event.label));
  const classes = labels.size > 1 ? bevatron.select({
    label: "class", options: [["all", "all classes"], ...data.classes.map((name, k) => [String(k), name]).filter(([k]) => labels.has(Number(k)))],
    onChange: () => {
      shown = data.events.map((_, i) => i).filter((i) => classes.value === "all" || data.events[i].label === Number(classes.value));
      events.max = shown.length - 1;
      events.value = 0;
      draw();
    },
  }) : null;
  const models = data.models.length ? bevatron.select({
    label: "network", options: data.models.map((m, i) => [String(i), m.title]), value: String(data.first ?? 0), onChange: draw,
  }) : null;
  const group = groups.length > 1 ? bevatron.select({ label: "images", options: groups, onChange: draw }) : null;
  const colour = hasTrue ? bevatron.select({
    label: "colours", onChange: draw,
    options: [["charge", "charge"], ["true", "true class"], ...(hasPredicted ? [["predicted", "predicted class"], ["wrong", "right or wrong"]] : [])],
  }) : null;
  const events = bevatron.slider({
    label: "event", min: 0, max: shown.length - 1, value: 0, wide: false, format: (k) => `${k + 1} of ${shown.length}`, onInput: draw,
  });
  const least = isDetection && models ? bevatron.slider({
    label: "least probability of a box", min: 0.05, max: 1, step: 0.05, value: 0.3, format: (p) => p.toFixed(2), onInput: draw,
  }) : null;
  const truth = hasBoxes ? bevatron.checkbox({ label: "show true boxes", checked: isDetection, onChange: draw }) : null;
  const whole = bevatron.checkbox({ label: "show the whole image", onChange: draw });
  const summary = create("p", { attributes: { "aria-live": "polite" }, class: "summary" });
  const planes = create("div", { class: "plots" }), bars = create("div", { class: "plot probabilities" });
  planes.style.gridTemplateColumns = "repeat(auto-fit, minmax(min(100%, 17rem), 1fr))";
  const members = (...all) => all.filter(Boolean);
  element.append(bevatron.row(...members(classes, models, group, colour, events)),
    bevatron.row(...members(least, truth, whole)), summary, planes, ...(data.models.some((m) => m.probabilities) ? [bars] : []));

  const current = () => group ? group.value : groups[0];
  const mode = () => colour ? colour.value : "charge";

  /** Decoded pixels of an event: index, value, true and predicted class; a predicted class is -1 where none is known. */
  function pixelsOf(event, name, position) {
    const image = event.images[name];
    const pixels = { index: bevatron.array(image.index), value: bevatron.array(image.value), true: image.true ? bevatron.array(image.true) : null, predicted: null, percent: null };
    const said = models && name === data.segmented && data.models[Number(models.value)].pixels?.[position];
    if (said && said.predicted.length === image.stored) {
      const kept = image.kept ? bevatron.array(image.kept) : Uint32Array.from(pixels.index, (_, i) => i);
      pixels.predicted = Array.from(kept, (k) => said.predicted[k]);
      pixels.percent = Array.from(kept, (k) => said.percent[k]);
    }
    return pixels;
  }

  /** What a pixel shows in the current mode, null for nothing, and the text beside the pointer. */
  function content(pixels, i) {
    const names = data.pixel_classes, unit = data.groups[current()].unit;
    const truth = pixels.true && pixels.true[i] >= 0 ? names[pixels.true[i]] : "noise";
    const said = pixels.predicted ? `${names[pixels.predicted[i]]} (${pixels.percent[i]} %)` : "";
    const text = `${number(pixels.value[i], 3)} ${literal(unit)}` + (pixels.true ? `<br>true: ${literal(truth)}` : "") + (said ? `<br>predicted: ${literal(said)}` : "");
    if (mode() === "charge") return [pixels.value[i], text];
    if (mode() === "true") return [pixels.true && pixels.true[i] >= 0 ? pixels.true[i] : null, text];
    if (!pixels.predicted) return [null, text];
    if (mode() === "predicted") return [pixels.predicted[i], text];
    return [!pixels.true || pixels.true[i] < 0 ? null : Number(pixels.predicted[i] !== pixels.true[i]), text];
  }

  function scale(values) {
    if (mode() === "charge") {
      const rising = values.filter((v) => v !== null).sort((a, b) => a - b);
      return {
        zmin: 0, zmax: rising.length ? Math.max(rising[Math.floor(0.99 * (rising.length - 1))], 1e-6) : 1, colorscale: "Viridis", reversescale: true,
        colorbar: { title: { text: literal(data.groups[current()].unit), side: "right" }, thickness: 12 },
      };
    }
    const names = mode() === "wrong" ? ["right", "wrong"] : data.pixel_classes;
    const tints = mode() === "wrong" ? ["#3f90da", "#bd1f01"] : names.map((_, k) => PIXELS[k % PIXELS.length]);
    const steps = tints.flatMap((tint, k) => [[k / tints.length, tint], [(k + 1) / tints.length, tint]]);
    return {
      zmin: -0.5, zmax: names.length - 0.5, colorscale: steps,
      colorbar: { tickvals: names.map((_, k) => k), ticktext: names.map(literal), thickness: 12 },
    };
  }

  function boxesIn(event, position, plane, planeNames, width, height) {
    if (planeNames.length > 1 && plane !== planeNames.indexOf("y")) return { shapes: [], annotations: [] };
    const shapes = [], annotations = [];
    const add = ([x1, y1, x2, y2], k, dash, text) => {
      const tint = isDetection ? BOXES[k % BOXES.length] : "#222222";
      shapes.push({ type: "rect", x0: x1 * width - 0.5, x1: x2 * width - 0.5, y0: y1 * height - 0.5, y1: y2 * height - 0.5, line: { color: tint, width: 2, dash } });
      if (text) annotations.push({ x: x1 * width - 0.5, y: (dash === "solid" ? y2 : y1) * height - 0.5, text: literal(text), showarrow: false, xanchor: "left", yanchor: dash === "solid" ? "bottom" : "top", font: { color: tint, size: 12 } });
    };
    if (truth && truth.input.checked) for (const box of event.boxes) add(box, box[4], "solid", isDetection ? data.classes[box[4]] : "");
    if (least) for (const box of foundIn(position)) add(box, box[5], "dash", `${data.classes[box[5]]} ${box[4].toFixed(2)}`);
    return { shapes, annotations };
  }

  function foundIn(position) {
    return data.models[Number(models.value)].boxes[position].filter((box) => box[4] >= least.value);
  }

  function drawPlane(target, event, position, name, plane) {
    const { shape: [, height, width], planes: names } = data.groups[name];
    const pixels = pixelsOf(event, name, position), from = plane * height * width;
    const own = [];
    for (let i = 0; i < pixels.index.length; i++) {
      if (pixels.index[i] >= from && pixels.index[i] < from + height * width) own.push(i);
    }
    const row = (i) => Math.floor((pixels.index[i] - from) / width), column = (i) => (pixels.index[i] - from) % width;
    const z = Array.from({ length: height }, () => new Array(width).fill(null)), text = z.map((line) => line.slice());
    let left = width, right = -1, low = height, high = -1;
    for (const i of own) {
      const r = row(i), c = column(i);
      [z[r][c], text[r][c]] = content(pixels, i);
      left = Math.min(left, c); right = Math.max(right, c); low = Math.min(low, r); high = Math.max(high, r);
    }
    if (whole.input.checked || right < 0) [left, right, low, high] = [0, width - 1, 0, height - 1];
    bevatron.plot(target, [{ type: "heatmap", z, text, hoverinfo: "text", hoverongaps: false, xgap: 0, ...scale(own.map((i) => content(pixels, i)[0])) }], {
      ...boxesIn(event, position, plane, names, width, height), height: 380, margin: { l: 56, r: 12, t: 34, b: 48 },
      title: { text: literal(names.length > 1 || names[0].length === 1 ? `plane ${names[plane]}` : names[plane]), font: { size: 14 }, x: 0.02, xanchor: "left" },
      xaxis: { title: { text: "wire (pixel)" }, range: [left - MARGIN - 0.5, right + MARGIN + 0.5] },
      yaxis: { title: { text: "time (pixel)" }, range: [low - MARGIN - 0.5, high + MARGIN + 0.5] },
    }, `Plane ${names[plane]}: ${own.length} charged pixels.`);
    const sum = own.reduce((total, i) => total + pixels.value[i], 0);
    return { title: names[plane], sum, pixels: own.length, right: own.filter((i) => pixels.predicted && pixels.true[i] >= 0 && pixels.predicted[i] === pixels.true[i]).length, known: own.filter((i) => pixels.predicted && pixels.true[i] >= 0).length };
  }

  function describe(event, position, drawn) {
    const unit = data.groups[current()].unit;
    const parts = [];
    if (event.label !== null) parts.push(`True class: ${data.classes[event.label]}.`);
    if (event.primaries) parts.push(`True particles: ${event.primaries}.`);
    parts.push(`Charge: ${drawn.map((p) => `${p.title} ${number(p.sum, 4)} ${unit} in ${p.pixels} pixels`).join(", ")}.`);
    if (isDetection) {
      parts.push(`True boxes: ${event.boxes.map((box) => data.classes[box[4]]).join(", ") || "none"}.`);
      if (least) parts.push(`Found: ${foundIn(position).map((box) => `${data.classes[box[5]]} ${box[4].toFixed(2)}`).join(", ") || "nothing"}.`);
    }
    const known = drawn.reduce((total, p) => total + p.known, 0);
    if (known) parts.push(`${percent(drawn.reduce((total, p) => total + p.right, 0) / known)} of ${known} pixels are predicted right.`);
    else if (hasPredicted) parts.push("What the network predicts for this event was not kept.");
    return parts.join(" ");
  }

  function drawBars(event, position) {
    const own = models && data.models[Number(models.value)].probabilities?.[position];
    if (!own) return;
    bevatron.plot(bars, [{
      type: "bar", orientation: "h", y: data.classes.map(literal), x: own, text: own.map((p) => percent(p ?? NaN)), textposition: "auto",
      marker: { color: data.classes.map((_, k) => k === event.label ? "#3f90da" : "#94a4a2") }, hoverinfo: "skip",
    }], {
      height: 60 + 34 * data.classes.length, margin: { l: 130, r: 16, t: 8, b: 44 },
      xaxis: { range: [0, 1], title: { text: "probability (blue: the true class)" } }, yaxis: { autorange: "reversed", type: "category" },
    }, `Probabilities: ${data.classes.map((name, k) => `${name} ${percent(own[k] ?? NaN)}`).join(", ")}.`);
  }

  function draw() {
    events.show();
    const position = shown[events.value], event = data.events[position], name = current();
    const { planes: names } = data.groups[name];
    while (planes.children.length < names.length) planes.append(create("div", { class: "plot plane" }));
    while (planes.children.length > names.length) planes.lastChild.remove();
    const drawn = names.map((_, plane) => drawPlane(planes.children[plane], event, position, name, plane));
    summary.textContent = describe(event, position, drawn);
    drawBars(event, position);
  }
  draw();
});
