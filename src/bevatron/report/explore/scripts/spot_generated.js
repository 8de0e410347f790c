"use strict";
// A game: real or generated? An answer is decoded when it is needed, and stands nowhere in the page before.
bevatron.panel("spot_generated", (element, data) => {
  const { create, percent } = bevatron;
  const SIZE = 260;
  let position = 0, right = 0, answered = false;
  const given = [];
  const names = bevatron.select({ label: "generator", options: data.games.map((g, i) => [String(i), g.title]), onChange: restart });
  const game = () => data.games[Number(names.value)];
  const canvas = create("canvas", { width: SIZE, height: SIZE, attributes: { role: "img" } });
  canvas.style.maxWidth = "100%";
  canvas.style.border = "1px solid var(--line)";
  const real = create("button", { type: "button", class: "real" }, "Real (R)");
  const generated = create("button", { type: "button", class: "generated" }, "Generated (G)");
  const next = create("button", { type: "button", class: "next" }, "Next image");
  const again = create("button", { type: "button", class: "again" }, "Start again");
  const verdict = create("p", { attributes: { "aria-live": "polite" }, class: "verdict" });
  const score = create("output", { class: "score" });
  const buttons = bevatron.row(real, generated, next, again);
  element.append(bevatron.row(names), canvas, buttons, verdict, create("p", {}, "Score: ", score));

  /** Whether the image at a place was generated; see spot_generated.py. */
  function isGenerated(place) {
    return Boolean(((game().answers.charCodeAt(place) - 48) ^ ((place * 7 + game().key) & 63)) & 1);
  }

  function drawImage() {
    const images = bevatron.array(game().images), [n, height, width] = images.shape;
    const context = canvas.getContext("2d"), small = create("canvas", { width, height });
    const pixels = small.getContext("2d").createImageData(width, height);
    for (let i = 0; i < height * width; i++) {
      const shade = images[position * height * width + i];
      pixels.data.set([shade, shade, shade, 255], 4 * i);
    }
    small.getContext("2d").putImageData(pixels, 0, 0);
    context.imageSmoothingEnabled = false;
    context.clearRect(0, 0, SIZE, SIZE);
    const scale = SIZE / Math.max(width, height);
    context.drawImage(small, 0, 0, width * scale, height * scale);
    canvas.setAttribute("aria-label", `Image ${position + 1} of ${n}, ${width} by ${height} pixels`);
  }

  function show() {
    const n = game().answers.length, finished = given.length === n;
    real.disabled = generated.disabled = answered;
    next.disabled = !answered || position + 1 >= n;
    score.textContent = `${right} of ${given.length} right` + (given.length ? ` (${percent(right / given.length, 0)})` : "");
    if (!answered) verdict.textContent = `Image ${position + 1} of ${n}: real or generated?`;
    if (finished) {
      verdict.textContent += ` That was the last one: ${right} of ${n} right.`;
      if (game().observer !== null) {
        verdict.textContent += ` Over all test images and as many generated ones, a new network that learned to spot them is right in ${percent(game().observer)}.`;
      }
    }
  }

  function answer(saysGenerated) {
    if (answered) return;
    answered = true;
    const truth = isGenerated(position), isRight = truth === saysGenerated;
    given.push(isRight);
    right += Number(isRight);
    verdict.textContent = `${isRight ? "Right" : "Wrong"}: image ${position + 1} is ${truth ? "generated" : "real"}.`;
    show();
    (next.disabled ? again : next).focus();
  }

  function advance() {
    position += 1;
    answered = false;
    drawImage();
    show();
    real.focus();
  }

  function restart() {
    position = right = given.length = 0;
    answered = false;
    drawImage();
    show();
  }

  real.addEventListener("click", () => answer(false));
  generated.addEventListener("click", () => answer(true));
  next.addEventListener("click", advance);
  again.addEventListener("click", () => { restart(); real.focus(); });
  buttons.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const key = event.key.toLowerCase();
    if (key === "r" || key === "g") { event.preventDefault(); answer(key === "g"); }
  });
  restart();
});
