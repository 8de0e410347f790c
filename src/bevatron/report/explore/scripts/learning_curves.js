"use strict";
// Learning curves: chosen runs, one quantity in full lines and another one dashed, against epoch, step or time.
bevatron.panel("learning_curves", (element, data) => {
  const runs = data.runs.map((run) => ({
    ...run,
    columns: Object.fromEntries(Object.entries(run.columns).map(([name, encoded]) => [name, bevatron.array(encoded)])),
  }));
  const models = [...new Set(runs.map((run) => run.model))];
  const has = (name) => data.quantities.includes(name);
  const first = has("val_loss") ? "val_loss" : data.quantities[0];
  const second = has("train_loss") && first !== "train_loss" ? "train_loss" : "";
  const words = (name) => name.replaceAll("_", " ");
  const quantities = data.quantities.map((name) => [name, words(name)]);

  const full = bevatron.select({ label: "full lines", options: quantities, value: first, onChange: draw });
  const dashed = bevatron.select({
    label: "dashed lines", options: [["", "nothing"], ...quantities], value: second, onChange: draw,
  });
  const axis = bevatron.select({ label: "against", options: data.axes, value: data.axes[0][0], onChange: draw });
  const logarithmic = bevatron.checkbox({ label: "logarithmic scale", onChange: draw });
  const selected = runs.flatMap((run, number) => (models.indexOf(run.model) < 6 ? [number] : []));
  const chosen = bevatron.choices({
    legend: "runs", items: runs.map((run) => `${run.model}, ${run.run}`), checked: selected, onChange: draw,
  });
  const status = bevatron.create("p", { class: "note", attributes: { "aria-live": "polite" } });
  const plot = bevatron.create("div", { class: "plot" });
  element.append(bevatron.row(full, dashed, axis, logarithmic), chosen.element, status, plot);

  function trace(run, name, dash) {
    const colour = bevatron.COLOURS[models.indexOf(run.model) % bevatron.COLOURS.length];
    const label = bevatron.literal(`${run.model}, ${run.run}: ${words(name)}`);
    const [x, y] = [run.columns[axis.value], run.columns[name]];
    return {
      x: Array.from(x), y: Array.from(y), mode: y.length > 1 ? "lines" : "markers", name: label, connectgaps: true,
      line: { color: colour, dash, width: 1.6 }, showlegend: false, hovertemplate: "%{x:.5g}, %{y:.5g}<extra>" + label + "</extra>",
    };
  }

  /** The smallest value of the full quantity among the chosen runs, and whose it is. */
  function best(drawn) {
    let found = null;
    for (const run of drawn) {
      run.columns[full.value].forEach((value, row) => {
        if (Number.isFinite(value) && (found === null || value < found.value)) {
          found = { value, run, at: run.columns[axis.value][row] };
        }
      });
    }
    return found;
  }

  function draw() {
    const shown = runs.filter((run, number) => chosen.chosen.has(number) && run.columns[axis.value]);
    const drawn = shown.filter((run) => run.columns[full.value]);
    const traces = drawn.map((run) => trace(run, full.value, "solid"));
    if (dashed.value) {
      traces.push(...shown.filter((run) => run.columns[dashed.value]).map((run) => trace(run, dashed.value, "dash")));
    }
    for (const model of new Set(shown.map((run) => run.model))) {  // one entry of the legend for each model
      const colour = bevatron.COLOURS[models.indexOf(model) % bevatron.COLOURS.length];
      traces.push({ x: [null], y: [null], mode: "lines", name: bevatron.literal(model), line: { color: colour }, hoverinfo: "skip" });
    }
    const title = Object.fromEntries(data.axes)[axis.value];
    const smallest = best(drawn);
    status.textContent = smallest === null ? "No run is chosen that has this quantity."
      : `${drawn.length} of ${runs.length} runs. Smallest ${words(full.value)}: ${bevatron.number(smallest.value)} ` +
        `at ${title} ${bevatron.number(smallest.at, 6)} (${smallest.run.model}, ${smallest.run.run}).`;
    bevatron.plot(plot, traces, {
      xaxis: { title: { text: title } }, height: 460,
      yaxis: { title: { text: words(full.value) }, type: logarithmic.input.checked ? "log" : "linear" },
    }, `${words(full.value)} against ${title}. ${status.textContent}`);
  }
  draw();
});
