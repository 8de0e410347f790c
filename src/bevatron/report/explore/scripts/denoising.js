"use strict";
// Images through auto-encoders; data.families: networks that differ in the number of latent dimensions alone.
bevatron.panel("denoising", (element, data) => {
  const { create, number, percent } = bevatron;
  const families = data.families.map((family) => ({
    ...family, noisy: bevatron.array(family.noisy), clean: bevatron.array(family.clean),
    models: family.models.map((m) => ({ ...m, output: bevatron.array(m.output) })),
  }));
  const names = bevatron.select({ label: "networks", options: families.map((f, i) => [String(i), f.title]), onChange: () => { reset(); draw(); } });
  const family = () => families[Number(names.value)];
  const model = () => family().models[Math.min(latent.value, family().models.length - 1)];
  const latent = bevatron.slider({
    label: "latent dimensions", min: 0, max: 0, value: 0, onInput: draw,
    format: (k) => { const m = family().models[k]; return m ? (m.latent === null ? "none" : String(m.latent)) : ""; },
  });
  const image = bevatron.slider({
    label: "image", min: 0, max: families[0].noisy.shape[0] - 1, value: 0, wide: false, onInput: draw,
    format: (k) => `${k + 1} of ${family().noisy.shape[0]}`,
  });
  const summary = create("p", { attributes: { "aria-live": "polite" }, class: "summary" });
  const imagesRow = create("div", { class: "plots images" });
  const places = ["noisy", "output", "original", "difference"].map((name) => create("div", { class: `plot ${name}` }));
  imagesRow.style.gridTemplateColumns = "repeat(auto-fit, minmax(min(100%, 12rem), 1fr))";
  imagesRow.append(...places);
  element.append(bevatron.row(names, image), bevatron.row(latent), summary, imagesRow);

  function reset() {
    latent.max = family().models.length - 1;
    latent.value = 0;
    latent.input.disabled = family().models.length < 2;
  }

  /** Rows of one image of an array (n, height, width). */
  function rows(values, k) {
    const [, height, width] = values.shape;
    return Array.from({ length: height }, (_, r) => Array.from(values.subarray((k * height + r) * width, (k * height + r + 1) * width)));
  }

  const rms = (a, b) => Math.sqrt(a.reduce((sum, v, i) => sum + (v - b[i]) ** 2, 0) / a.length);

  function drawImage(target, z, title, scale) {
    bevatron.plot(target, [{ type: "heatmap", z, hoverinfo: "z", colorbar: { thickness: 10 }, ...scale }], {
      height: 260, margin: { l: 24, r: 8, t: 34, b: 24 }, title: { text: title, font: { size: 14 }, x: 0.02, xanchor: "left" },
      xaxis: { showticklabels: false, showgrid: false, ticks: "", constrain: "domain" },
      yaxis: { showticklabels: false, showgrid: false, ticks: "", scaleanchor: "x", constrain: "domain" },
    }, title);
  }

  function draw() {
    latent.show();
    image.show();
    const f = family(), m = model(), k = image.value;
    const noisy = rows(f.noisy, k), clean = rows(f.clean, k), output = rows(m.output, k);
    const flat = [noisy, clean, output].map((rows) => rows.flat());
    const scale = { zmin: Math.min(...flat[1], ...flat[0]), zmax: Math.max(...flat[1]), colorscale: "Greys", reversescale: false };
    const difference = output.map((line, r) => line.map((v, c) => v - clean[r][c]));
    const most = Math.max(...flat[0].map((v, i) => Math.abs(v - flat[1][i])), 1e-30);
    drawImage(places[0], noisy, "with noise", scale);
    drawImage(places[1], output, "given back", scale);
    drawImage(places[2], clean, "original, without noise", scale);
    drawImage(places[3], difference, "given back − original", { zmin: -most, zmax: most, colorscale: "RdBu" });
    const before = rms(flat[0], flat[1]), after = rms(flat[2], flat[1]);
    summary.textContent = `${m.title}: of this image's noise, ${number(before, 3)} ${f.unit} r.m.s., the output is off by ` +
      `${number(after, 3)} ${f.unit} (${percent(after / before)}).` +
      (m.noise_left === null ? "" : ` Over the test split its mean square error is ${number(m.noise_left, 3)} of the noise's.`);
  }
  reset();
  draw();
});
