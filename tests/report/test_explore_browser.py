"""The pages to explore in a real browser, without a network: sliders lead to numbers computed in another way."""

import json
import shutil

import h5py
import hdf5plugin  # noqa: F401  (of the predictions' file)
import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import confusion_matrix

from bevatron.report.explore.arrays import encode_array
from bevatron.report.explore.page import EXPLORE, PLOTLY, plotly_script, render_explore
from bevatron.report.explore.panel import Panel, build_all_panels
from bevatron.report.results.study_results import read_study
from bevatron.report.stage import write_study_page

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A report's folder with plotly.js."""
    report = tmp_path_factory.mktemp("report")
    (report / PLOTLY).write_bytes(plotly_script())
    return report


@pytest.fixture(scope="module")
def write_page(folder):
    """Writes a page to explore into the report, by name."""

    def write(name, study, built):
        page = folder / name / EXPLORE
        page.parent.mkdir(exist_ok=True)
        page.write_text(render_explore(study, built, "demo"), encoding="utf-8")
        return page

    return write


@pytest.fixture(scope="module")
def tagger(results, write_page):
    _, studies, place = results
    found = read_study(studies[1], place)
    return found, write_page("tagger", found.study, build_all_panels(found))


@pytest.fixture
def opened(tagger, browser):
    browser.open(tagger[1])
    return browser


def percents(rows):
    return np.array([[float(cell.removesuffix(" %")) for cell in row[1:]] for row in rows])


def test_a_page_draws_all_its_panels_and_loads_plotly_alone(opened):
    drawn = opened.run("return [...document.querySelectorAll('section.panel')].map((s) => s.dataset.drawn)")
    assert drawn == ["yes", "yes", "yes"]
    assert opened.run("return document.querySelectorAll('.plot .main-svg').length") >= 4
    addresses = opened.requested()
    assert [address.rpartition("/")[2] for address in addresses] == [EXPLORE, PLOTLY]
    assert all(address.startswith("file://") for address in addresses)
    assert opened.run("return document.getElementById('no-script').hidden")
    assert opened.errors() == []


@pytest.mark.parametrize("position", [1, 40, 120])
def test_the_threshold_leads_to_the_confusion_of_sklearn(position, tagger, opened):
    found, _ = tagger
    opened.set("threshold", position, "threshold")
    said = opened.run("return document.querySelector('#panel-threshold output').textContent")
    rows = percents(opened.table("#panel-threshold table.confusion"))
    read_edge = """
        const panel = document.querySelector('#panel-threshold script');
        return bevatron.array(JSON.parse(panel.textContent).models[0].edges)[arguments[0] - 1]"""
    cut = float(opened.run(read_edge, position))
    with h5py.File(found.folder / "evaluation" / "feedforward" / "predictions.h5") as file:
        logits, labels = file["outputs"][:].astype(np.float64), file["targets/flavour"][:]
    matrix = np.zeros((3, 3))
    for p in softmax(logits, axis=2):
        called = np.where(p[:, 2] >= 1 / (1 + np.exp(-cut)) - 1e-12, 2, p[:, :2].argmax(axis=1))
        matrix += confusion_matrix(labels, called) / len(logits)
    fractions = matrix / matrix.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(rows, 100 * fractions, atol=0.051)
    assert f"{100 * fractions[2, 2]:.1f} % of beauty kept" in said
    kept = {row[0]: row[1:] for row in opened.table("#panel-threshold table.rejections")}
    assert float(kept["light"][0].removesuffix(" %")) == pytest.approx(100 * fractions[0, 2], abs=0.0051)
    if fractions[1, 2] > 0:
        assert float(kept["charm"][1]) == pytest.approx(1 / fractions[1, 2], rel=1e-3)
    rest = matrix[:2, 2].sum() / matrix[:2].sum()
    assert float(kept["all others"][0].removesuffix(" %")) == pytest.approx(100 * rest, abs=0.0051)
    opened.set("matrix", "sum", "threshold")
    sums = np.array([[float(cell) for cell in row[1:]] for row in opened.table("#panel-threshold table.confusion")])
    np.testing.assert_allclose(sums, matrix, atol=0.051)
    assert opened.errors() == []


def test_another_model_keeps_the_efficiency_and_every_choice_is_drawn(opened):
    opened.set("model", "1", "threshold")
    said = opened.run("return document.querySelector('#panel-threshold output').textContent")
    assert float(said.split(": ")[1].split(" %")[0]) == pytest.approx(77, abs=1)
    for label, value in (("background", "0"), ("figure", "rejection"), ("background", "rest"), ("threshold", 0)):
        opened.set(label, value, "threshold")
    assert "no threshold: 100.0 %" in opened.run("return document.querySelector('#panel-threshold output').textContent")
    assert opened.errors() == []


def test_a_slider_moves_by_the_keyboard_and_speaks(opened):
    from selenium.webdriver.common.keys import Keys

    slider = opened.driver.find_element("css selector", "#panel-threshold input[type=range]")
    before = int(slider.get_attribute("value"))
    slider.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert int(slider.get_attribute("value")) == before + 2
    assert slider.get_attribute("aria-valuetext") == slider.parent.execute_script(
        "return arguments[0].parentElement.querySelector('output').textContent", slider
    )
    unnamed = opened.run("""
        return [...document.querySelectorAll('input, select')].filter((c) => !c.labels.length).length""")
    assert unnamed == 0
    assert opened.run("return document.querySelectorAll('output:not([aria-live])').length") == 0


def test_runs_are_chosen(opened):
    status = "return document.querySelector('#panel-learning-curves p[aria-live]').textContent"
    # The histories of the fixture: 2 / epoch + 0.5 + 0.02 seed, 20 epochs; 0.1 s each.
    assert "6 of 6 runs. Smallest val loss: 0.6 at epoch 20 (Feedforward, seed 0)." in opened.run(status)
    opened.run("document.querySelectorAll('#panel-learning-curves fieldset button')[1].click()")
    assert "No run is chosen" in opened.run(status)
    opened.run("document.querySelectorAll('#panel-learning-curves fieldset input')[2].click()")
    opened.set("against", "seconds", "learning-curves")
    opened.set("logarithmic scale", True, "learning-curves")
    assert "1 of 6 runs. Smallest val loss: 0.64 at time (s) 2 (Feedforward, seed 2)." in opened.run(status)
    drawn = opened.run("""return document.querySelector('#panel-learning-curves .plot').data
        .filter((trace) => trace.x[0] !== null).map((trace) => [...trace.y])""")
    epoch = np.arange(1, 21)
    np.testing.assert_allclose(drawn, [2 / epoch + 0.54, 2 / epoch + 0.4], rtol=1e-6)
    assert opened.errors() == []


def test_trials_are_narrowed(opened):
    status = "return document.querySelector('#panel-searches p[aria-live]').textContent"
    assert "2 of 2 trials. Best: trial 1, loss 0.5." in opened.run(status)
    opened.set("training.learning_rate, from", 90, "searches")  # 10^-2.2: above the first trial's 0.0031
    assert opened.run(status) == "1 of 2 trials. None of them has a loss."
    assert opened.table("#panel-searches table.trials") == [["2", "0.01", "–", "", "diverged"]]
    opened.set("trials without a loss", False, "searches")
    assert "0 of 2 trials." in opened.run(status)
    assert opened.errors() == []


def test_a_unit_says_what_its_formula_says(results, write_page, browser):
    _, studies, _ = results
    rng = np.random.default_rng(3)
    label = rng.integers(0, 2, 200)
    x = np.round(rng.standard_normal((200, 2)) + 1.5 * label[:, None], 3)
    w = [1.2, 0.7, 1.4]
    units = [
        {"name": "a", "title": "A </script><b>", "points": "p", "activation": "logistic", "slopes": None,
         "weights": [w, [0, 0, 0]], "seeds": [0, 1]},
        {"name": "b", "title": "B", "points": "p", "activation": "prelu", "slopes": [0.2], "weights": [w],
         "seeds": [0]},
    ]  # fmt: skip
    points = {"p": {"x": x.tolist(), "label": label.tolist(), "extent": [-4, 4, -4, 4]}}
    data = {"classes": ["left", "<i>right</i>"], "units": units, "points": points}
    panel = Panel("perceptron", "Unit", "", data, "perceptron.js")
    browser.open(write_page("unit", studies[0], [panel]))

    def expect(f, a, b, theta):
        z = x @ [a, b] - theta
        y = f(z)
        right, loss = np.mean((y > 0.5) == label), np.mean((y - label) ** 2) / 2
        said = browser.run("return document.querySelector('#panel-perceptron .status').textContent")
        assert said.startswith(f"{100 * right:.1f} % of 200 points right; half the squared error ")
        assert float(said.split("error ")[1].split(";")[0]) == pytest.approx(loss, rel=1e-3)
        return said

    def logistic(z):
        return 1 / (1 + np.exp(-z))

    said = expect(logistic, *w)
    assert f"{np.degrees(np.arctan2(0.7, 1.2)):.2f}°" in said
    assert f"{1.4 / np.hypot(1.2, 0.7):.3f}" in said
    browser.set("w₁", -2.5, "perceptron")
    browser.set("θ", 0.3, "perceptron")
    expect(logistic, -2.5, 0.7, 0.3)
    browser.set("argument z", "1", "perceptron")
    expect(logistic, -2.5, 0.7, -0.3)
    for name, f in {
        "step": lambda z: (z > 0) * 1.0, "tanh": lambda z: (1 + np.tanh(z)) / 2, "relu": lambda z: np.maximum(z, 0),
    }.items():  # fmt: skip
        browser.set("activation f", name, "perceptron")
        expect(f, -2.5, 0.7, -0.3)
    browser.set("start from", "1 0", "perceptron")
    expect(lambda z: np.where(z > 0, z, 0.2 * z), *w)
    browser.set("start from", "0 1", "perceptron")
    assert "w = 0: no line" in expect(logistic, 0, 0, 0)
    assert browser.errors() == []


def test_hostile_texts_and_values_do_no_harm(results, write_page, browser):
    _, studies, _ = results
    nasty = "W" * 500 + "</script><b id='x'>$\\frac$</b><img src=x onerror=\"document.title='hit'\">"
    study = studies[1].model_copy(update={"title": nasty})
    nan = encode_array(np.array([np.nan, 1.0], np.float32))
    runs = [{"model": nasty, "run": nasty, "columns": {"epoch": nan, "val_loss": nan}}] * 2
    curves = {"axes": [["epoch", "epoch"]], "quantities": ["val_loss"], "runs": runs}
    trials = [{"number": nasty, "values": [nasty], "loss": None, "epochs": "", "status": nasty}]
    axis = {"name": nasty, "kind": "choice", "values": [nasty]}
    found = {"searches": [{"model": nasty, "axes": [axis], "trials": trials, "hidden": 0}]}
    panels = [
        Panel("learning-curves", nasty, nasty, curves, "learning_curves.js"),
        Panel("searches", nasty, nasty, found, "searches.js"),
        Panel("broken", "Broken", "", {"models": []}, "threshold.js"),
    ]
    browser.open(write_page("nasty", study, panels))
    assert nasty in browser.driver.title
    assert browser.run("return document.scrollingElement.scrollWidth") <= 1280
    assert browser.run("return document.querySelectorAll('#x, img').length") == 0
    drawn = browser.run("return [...document.querySelectorAll('section.panel')].map((s) => s.dataset.drawn || 'no')")
    assert drawn == ["yes", "yes", "no"]
    assert "could not be drawn" in browser.run("return document.querySelector('#panel-broken').textContent")
    assert any("panel-broken" in message for message in browser.errors())


def test_without_plotly_the_page_says_so_and_numbers_stand(tagger, browser, tmp_path):
    (tmp_path / "tagger").mkdir()
    page = tmp_path / "tagger" / EXPLORE
    shutil.copyfile(tagger[1], page)
    browser.open(page)
    assert browser.run("return document.getElementById('no-plotly').hidden") is False
    browser.set("threshold", 40, "threshold")
    assert len(browser.table("#panel-threshold table.confusion")) == 3


@pytest.mark.parametrize("width", [1280, 800, 420])
def test_nothing_is_wider_than_the_window(width, opened):
    opened.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False})  # fmt: skip
    try:
        opened.driver.refresh()
        assert opened.run("return document.scrollingElement.scrollWidth") <= width
    finally:
        opened.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_wide_tables_scroll_in_their_frame_and_wrap_on_paper(browser, tmp_path):
    from bevatron.report.page.render import render_template

    head = [f"column_{k}" for k in range(18)]
    cells = "".join(f"<td class='n'>{k}.123456789 ± 0.000000001</td>" for k in range(18))
    body = f"<tr>{cells}</tr>"
    source = render_template("page.html.j2")  # the style alone
    columns = "".join(f"<th class='n'>{name}</th>" for name in head)
    table = f"<table class='widest'><thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table>"
    table = f"<div class='scroll' tabindex='0'>{table}</div>"
    page = tmp_path / "wide.html"
    page.write_text(source.replace('<main id="top">', f'<main id="top">{table}'), encoding="utf-8")
    browser.open(page)
    sizes = """const frame = document.querySelector('.scroll');
        return [frame.scrollWidth, frame.clientWidth, document.scrollingElement.scrollWidth]"""
    inside, frame_width, whole = browser.run(sizes)
    assert inside > frame_width
    assert whole <= 1280
    cdp = browser.driver.execute_cdp_cmd
    cdp("Emulation.setEmulatedMedia", {"media": "print"})
    cdp("Emulation.setDeviceMetricsOverride", {"width": 718, "height": 1000, "deviceScaleFactor": 1, "mobile": False})
    try:
        inside, frame_width, whole = browser.run(sizes)  # A4 less margins of 1 cm
        assert inside <= frame_width <= 718
        assert whole <= 718
    finally:
        cdp("Emulation.setEmulatedMedia", {"media": ""})
        cdp("Emulation.clearDeviceMetricsOverride", {})


def test_no_table_of_a_real_page_is_cut(results, browser, tmp_path):
    workflow, studies, place = results
    study = studies[1].model_copy(deep=True)
    title = "beauty_or_charm:" * 20  # a word that only breaks if it must
    study.models["feedforward"] = study.models["feedforward"].model_copy(update={"title": title})
    write_study_page(study, workflow.scale, place, tmp_path)
    browser.open(tmp_path / "index.html")
    browser.run("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    cut = """return [...document.querySelectorAll('table')].filter((t) => {
        const frame = t.closest('.scroll');
        return !frame || frame.clientWidth > frame.parentElement.clientWidth
            || (arguments[0] && frame.scrollWidth > frame.clientWidth);
    }).map((t) => t.caption.textContent)"""
    for width, media in ((1500, ""), (800, ""), (718, "print")):
        size = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
        browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media})
        browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        try:
            assert browser.run("return document.scrollingElement.scrollWidth") <= width
            assert browser.run(cut, media == "print") == []
        finally:
            browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
            browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_data_in_the_page_are_those_of_the_panel(tagger, opened):
    expected = [json.loads(panel.json) for panel in build_all_panels(tagger[0])]
    texts = opened.run("return [...document.querySelectorAll('script[type]')].map((s) => s.textContent)")
    assert [json.loads(text) for text in texts] == expected
