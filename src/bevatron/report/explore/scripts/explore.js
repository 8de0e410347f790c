"use strict";
// What all panels share: their registration, arrays, controls that a keyboard and a screen reader can use, plots.
var bevatron = (function () {
  const kinds = new Map();
  const TYPED = {
    uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array, int16: Int16Array, uint32: Uint32Array,
    int32: Int32Array, float32: Float32Array, float64: Float64Array,
  };
  const COLOURS = ["#3f90da", "#ffa90e", "#bd1f01", "#832db6", "#94a4a2", "#a96b59", "#e76300", "#717581", "#92dadd"];
  let controls = 0;

  /** Registers the function that draws panels of a kind: draw(element, data). */
  function panel(kind, draw) {
    kinds.set(kind, draw);
  }

  /** The typed array of {dtype, shape, base64}; its shape is the property `shape`. */
  function array(encoded) {
    const bytes = Uint8Array.from(atob(encoded.base64), (letter) => letter.charCodeAt(0));
    const values = new TYPED[encoded.dtype](bytes.buffer);
    values.shape = encoded.shape;
    return values;
  }

  /** An element with properties (`class` too, attributes in `attributes`) and children, which are texts or elements. */
  function create(tag, properties = {}, ...children) {
    const element = document.createElement(tag);
    const { attributes = {}, class: name = "", ...others } = properties;
    if (name) element.className = name;
    Object.assign(element, others);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  }

  /** A labelled slider over integers or numbers. format(value) is what is shown and spoken; onInput(value) follows. */
  function slider({ label, min, max, step = 1, value, format = String, onInput, wide = true }) {
    const id = `control-${++controls}`;
    const input = create("input", { type: "range", id, min, max, step, value });
    const output = create("output", { htmlFor: id, attributes: { "aria-live": "polite" } });
    const element = create("div", { class: wide ? "control wide" : "control" },
      create("label", { htmlFor: id }, label), input, output);
    function show() {
      output.textContent = format(Number(input.value));
      input.setAttribute("aria-valuetext", output.textContent);
    }
    input.addEventListener("input", () => { show(); onInput(Number(input.value)); });
    show();
    return {
      element, input, output,
      get value() { return Number(input.value); },
      set value(number) { input.value = number; show(); },
      set max(number) { input.max = number; show(); },
      show,
    };
  }

  /** A labelled list to choose from; options: texts, or pairs [value, text]. onChange(value) follows. */
  function select({ label, options, value, onChange }) {
    const id = `control-${++controls}`;
    const input = create("select", { id });
    for (const option of options) {
      const [key, text] = Array.isArray(option) ? option : [option, option];
      input.append(create("option", { value: key }, text));
    }
    if (value !== undefined) input.value = value;
    input.addEventListener("change", () => onChange(input.value));
    return {
      element: create("div", { class: "control" }, create("label", { htmlFor: id }, label), input), input,
      get value() { return input.value; },
      set value(key) { input.value = key; },
    };
  }

  /** A labelled box to tick. */
  function checkbox({ label, checked = false, onChange }) {
    const id = `control-${++controls}`;
    const input = create("input", { type: "checkbox", id, checked });
    input.addEventListener("change", () => onChange(input.checked));
    return { element: create("div", { class: "control row" }, input, create("label", { htmlFor: id }, label)), input };
  }

  /** Boxes to tick in one group; items: texts; checked: set of their numbers. onChange(set) follows. */
  function choices({ legend, items, checked, onChange }) {
    const chosen = new Set(checked);
    const inputs = items.map((_, number) => create("input", { type: "checkbox", checked: chosen.has(number) }));
    inputs.forEach((input, number) => input.addEventListener("change", () => {
      if (input.checked) chosen.add(number); else chosen.delete(number);
      onChange(chosen);
    }));
    function setAll(on) {
      inputs.forEach((input, number) => { input.checked = on; if (on) chosen.add(number); else chosen.delete(number); });
      onChange(chosen);
    }
    const buttons = create("div", { class: "controls" });
    for (const [text, on] of [["all", true], ["none", false]]) {
      const button = create("button", { type: "button" }, text);
      button.addEventListener("click", () => setAll(on));
      buttons.append(button);
    }
    const boxes = create("div", { class: "choices" });
    items.forEach((text, number) => boxes.append(create("label", {}, inputs[number], create("span", {}, text))));
    return { element: create("fieldset", {}, create("legend", {}, legend), buttons, boxes), inputs, chosen };
  }

  /** A frame in which a wide table scrolls, also by the keyboard. */
  function frame() {
    return create("div", { class: "scroll", tabIndex: 0, attributes: { role: "region", "aria-label": "table" } });
  }

  /** A row of controls. */
  function row(...members) {
    return create("div", { class: "controls" }, ...members.map((member) => member.element || member));
  }

  const AXIS = { showline: true, linecolor: "#3c434e", mirror: true, ticks: "inside", gridcolor: "#e8eaee", zeroline: false };

  function withTitleNear(axis = {}) {
    return { ...AXIS, ...axis, ...(axis.title ? { title: { standoff: 8, ...axis.title } } : {}) };
  }

  /** Draws or updates a plot in an element; texts are literal, never markup. What it shows is told in `label`. */
  function plot(element, traces, layout, label) {
    if (!window.Plotly) return;
    if (label) { element.setAttribute("role", "img"); element.setAttribute("aria-label", label); }
    const { xaxis, yaxis, ...others } = layout;
    const full = {
      font: { family: "system-ui, Helvetica Neue, Arial, sans-serif", size: 13, color: "#222222" }, colorway: COLOURS,
      paper_bgcolor: "#ffffff", plot_bgcolor: "#ffffff", margin: { l: 64, r: 16, t: 34, b: 52 }, height: 420,
      legend: { orientation: "h", y: -0.17 }, modebar: { bgcolor: "rgba(0,0,0,0)" }, ...others,
      xaxis: withTitleNear(xaxis), yaxis: withTitleNear(yaxis),
    };
    // The buttons are listed: plotly has one that would send the figure to its makers.
    const buttons = [["toImage", "zoom2d", "pan2d", "resetScale2d"]];
    window.Plotly.react(element, traces, full, { responsive: true, displaylogo: false, modeBarButtons: buttons });
  }

  const LONGEST = 70; // letters of a text in a figure

  /** A text in which plotly sees no markup: it reads a few tags, and `$...$` as a formula. A long one is cut. It takes
      one argument, as `names.map(literal)` passes an index too. */
  function literal(text) {
    const letters = Array.from(String(text));
    const short = letters.length > LONGEST ? letters.slice(0, LONGEST - 1).join("") + "…" : letters.join("");
    const plain = short.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
    return plain.replaceAll("$", "\uff04");
  }

  /** A number in at most `digits` significant digits. */
  function number(value, digits = 4) {
    if (!Number.isFinite(value)) return Number.isNaN(value) ? "–" : "∞";
    const size = Math.abs(value);
    if (size !== 0 && (size >= 1e5 || size < 1e-3)) return value.toExponential(Math.max(0, digits - 2));
    return String(Number(value.toPrecision(digits)));
  }

  function percent(fraction, digits = 1) {
    return Number.isFinite(fraction) ? `${(100 * fraction).toFixed(digits)} %` : "–";
  }

  /** Draws all panels; one that fails says so, and the others stand. */
  function start() {
    document.getElementById("no-script").hidden = true;
    if (!window.Plotly) document.getElementById("no-plotly").hidden = false;
    for (const section of document.querySelectorAll("section.panel[data-kind]")) {
      const element = section.querySelector(".content");
      try {
        const draw = kinds.get(section.dataset.kind);
        if (!draw) throw new Error(`no script draws '${section.dataset.kind}'`);
        draw(element, JSON.parse(section.querySelector("script[type='application/json']").textContent));
        section.dataset.drawn = "yes";
      } catch (error) {
        element.replaceChildren(create("p", { class: "warning" }, `This panel could not be drawn: ${error.message}`));
        console.error(section.id, error);
      }
    }
  }

  return { panel, array, create, slider, select, checkbox, choices, frame, row, plot, literal, number, percent, start, COLOURS };
})();
