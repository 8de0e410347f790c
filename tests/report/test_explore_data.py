"""The data of the pages to explore, against numbers computed in another way."""

import base64
import json
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import confusion_matrix

from bevatron.config.sections.search import Search
from bevatron.errors import UserError
from bevatron.evaluate.evaluation import Predictions
from bevatron.evaluate.predictions.file import write_predictions
from bevatron.evaluate.statistics.classes import discriminant_score
from bevatron.report.explore.arrays import DTYPES, encode_array
from bevatron.report.explore.page import EXPLORE, PLOTLY, plotly_script, render_explore
from bevatron.report.explore.panel import PANELS, SCRIPTS, Panel, build_all_panels
from bevatron.report.explore.panels import learning_curves, perceptron, searches, threshold
from bevatron.report.explore.score_counts import Scored, count_scores
from bevatron.report.results.study_results import read_study


def decode(encoded: dict) -> np.ndarray:
    content = base64.b64decode(encoded["base64"])
    return np.frombuffer(content, np.dtype(encoded["dtype"]).newbyteorder("<")).reshape(encoded["shape"])


@pytest.fixture(scope="module")
def tagger(results):
    _, studies, folder = results
    return read_study(studies[1], folder)


@pytest.fixture(scope="module")
def curve(results):
    _, studies, folder = results
    return read_study(studies[0], folder)


class Page(HTMLParser):
    """Elements, and the data of each panel."""

    def __init__(self, text: str):
        super().__init__()
        self.elements, self.attributes, self.data, self.words = [], [], [], []
        self._in_data = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += attrs
        self._in_data = dict(attrs).get("type") == "application/json"

    def handle_endtag(self, tag):
        self._in_data = False

    def handle_data(self, data):
        (self.data if self._in_data else self.words).append(data)


@pytest.mark.parametrize("shape", [(), (0,), (7,), (2, 3), (4, 0, 2)])
@pytest.mark.parametrize("dtype", [*DTYPES, "bool", "float16", ">i4", ">f8"])
def test_arrays_arrive_as_they_were_sent(dtype, shape):
    content = np.random.default_rng(1).bytes(8 * int(np.prod(shape)))
    values = np.frombuffer(content, np.uint8)[: int(np.prod(shape))].astype(dtype).reshape(shape)
    decoded = decode(json.loads(json.dumps(encode_array(values))))
    assert decoded.shape == shape
    np.testing.assert_array_equal(decoded, values)


@pytest.mark.parametrize(("numbers", "dtype"), [
    ([], "uint8"), ([0, 255], "uint8"), ([-128, 127], "int8"), ([-1, 200], "int16"), ([65535], "uint16"),
    ([-40000], "int32"), ([2**32 - 1], "uint32"), ([-1, 2**31], None), ([2**32], None)])  # fmt: skip
def test_long_integers_take_the_smallest_type_that_holds_them(numbers, dtype):
    values = np.array(numbers, np.int64)
    if dtype is None:
        with pytest.raises(TypeError, match="no typed array holds integers from"):
            encode_array(values)
    else:
        assert encode_array(values)["dtype"] == dtype
        np.testing.assert_array_equal(decode(encode_array(values)), values)


@pytest.mark.parametrize("values", [np.array(["a"]), np.array([1j]), np.array([object()])])
def test_what_has_no_typed_array_is_refused(values):
    with pytest.raises(TypeError, match="no typed array"):
        encode_array(values)


@pytest.fixture(params=["plain", "weights", "fractions", "unknown class"])
def scored_file(request, tmp_path):
    """Predictions of 5000 samples of three classes by two seeds, and what a threshold is put on."""
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 3, 5000)
    logits = (2 * np.eye(3)[labels] + rng.standard_normal((2, 5000, 3))).astype(np.float32)
    if request.param == "unknown class":  # as of a network that has learned two of them
        logits[:, :, 0] = -np.inf
    weight = rng.uniform(0.1, 3, 5000) if request.param == "weights" else None
    fractions = np.array([0.9, 0.1, 0.0]) if request.param == "fractions" else None
    predictions = Predictions(logits, {"flavour": labels}, np.arange(5000, dtype=np.uint64), weight=weight)
    write_predictions(tmp_path / "predictions.h5", predictions, {"manifest_sha256": "m"}, [0, 1])
    return tmp_path / "predictions.h5", logits.astype(np.float64), labels, weight, Scored(2, 3, fractions)


def test_the_confusion_at_each_threshold_is_that_of_sklearn(scored_file):
    path, logits, labels, weight, scored = scored_file
    found = count_scores(path, "flavour", "m", scored, 40)
    assert found.n_seeds == 2
    assert 20 <= len(found.edges) <= 41
    assert np.all(np.diff(found.edges) > 0)
    for k in (0, 1, len(found.edges) // 2, len(found.edges)):
        expected = np.zeros((3, 3))
        for seed in range(2):
            p = softmax(logits[seed], axis=1)
            if scored.fractions is None:
                with np.errstate(divide="ignore"):
                    score = logits[seed, :, 2] - np.log(np.exp(logits[seed, :, :2]).sum(axis=1))
            else:
                classes = ["light", "charm", "beauty"]
                score = discriminant_score(logits[seed], classes, "beauty", {"light": 0.9, "charm": 0.1})
            # Half a step of rounding below the threshold: the two ways to compute a score differ in the last bits.
            passed = np.ones(len(score), bool) if k == 0 else score >= found.edges[k - 1] - 1e-9
            called = np.where(passed, 2, p[:, :2].argmax(axis=1))
            expected += confusion_matrix(labels, called, labels=[0, 1, 2], sample_weight=weight) / 2
        kept = found.counts[:, :, k:].sum(axis=(1, 2))
        below = found.counts[:, :, :k].sum(axis=2)
        np.testing.assert_allclose(kept, expected[:, 2], rtol=1e-9)
        np.testing.assert_allclose(below[:, :2], expected[:, :2], rtol=1e-9, atol=1e-9)
        assert not found.counts[:, 2].any(), "the signal is no best other class"


def test_blocks_do_not_change_the_counts(scored_file, monkeypatch):
    path, *_, scored = scored_file
    whole = count_scores(path, "flavour", "m", scored, 40)
    monkeypatch.setattr("bevatron.report.explore.score_counts.ROWS", 999)
    parts = count_scores(path, "flavour", "m", scored, 40)
    np.testing.assert_array_equal(parts.edges, whole.edges)
    np.testing.assert_allclose(parts.counts, whole.counts, rtol=1e-12)


@pytest.mark.parametrize("rows", [1 << 16, 999, 1000])
def test_of_very_many_samples_every_third_is_counted(rows, scored_file, monkeypatch):
    path, _, labels, weight, scored = scored_file
    monkeypatch.setattr("bevatron.report.explore.score_counts.COUNTED", 4000)  # of 2 seeds with 5000 samples
    monkeypatch.setattr("bevatron.report.explore.score_counts.ROWS", rows)
    found = count_scores(path, "flavour", "m", scored, 40)
    assert found.step == 3
    expected = np.bincount(labels[::3], None if weight is None else weight[::3])
    np.testing.assert_allclose(found.counts.sum(axis=(1, 2)), expected, rtol=1e-9)


@pytest.mark.parametrize(("sha", "classes", "says"), [("other", 3, "another dataset"), ("m", 4, "has outputs of")])
def test_predictions_of_something_else_are_refused(sha, classes, says, scored_file):
    path, *_ = scored_file
    with pytest.raises(ValueError, match=says):
        count_scores(path, "flavour", sha, Scored(2, classes), 40)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("fill", [np.nan, np.inf, -np.inf, 0.0])
def test_outputs_that_are_no_numbers_are_counted_all_the_same(fill, tmp_path):
    logits = np.full((1, 50, 2), fill, np.float32)
    predictions = Predictions(logits, {"y": np.arange(50) % 2}, np.arange(50, dtype=np.uint64))
    write_predictions(tmp_path / "predictions.h5", predictions, {"manifest_sha256": "m"}, [0])
    found = count_scores(tmp_path / "predictions.h5", "y", "m", Scored(1, 2), 40)
    assert found.counts.sum(axis=(1, 2)).tolist() == [25, 25]
    assert np.isfinite(found.edges).all()


def test_a_study_without_a_sample_of_the_signal_has_thresholds(tmp_path):
    predictions = Predictions(np.zeros((1, 9, 2), np.float32), {"y": np.zeros(9, int)}, np.arange(9, dtype=np.uint64))
    write_predictions(tmp_path / "predictions.h5", predictions, {"manifest_sha256": "m"}, [0])
    found = count_scores(tmp_path / "predictions.h5", "y", "m", Scored(1, 2), 40)
    assert found.counts.sum(axis=(1, 2)).tolist() == [9, 0]


def test_the_threshold_panel_has_all_models_and_fits(tagger):
    (panel,) = threshold.build_panels(tagger)
    assert [model["title"] for model in panel.data["models"]] == ["Feedforward", "Kinematics alone"]
    for model in panel.data["models"]:
        sums = decode(model["sums"])
        assert sums.sum() == 3 * 3000  # seeds, samples
        assert sums.dtype.kind == "u"
        assert sums.shape == (3, 3, len(decode(model["edges"])) + 1)
    assert len(panel.json) < 3e6


def test_no_threshold_without_predictions(tagger, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"predictions\.h5 are missing"):
        threshold.build_panels(replace(tagger, folder=tmp_path))
    copied = tmp_path / "evaluation" / "kinematics" / "predictions.h5"
    copied.parent.mkdir(parents=True)
    copied.write_bytes((tagger.folder / "evaluation" / "kinematics" / "predictions.h5").read_bytes())
    (panel,) = threshold.build_panels(replace(tagger, folder=tmp_path))
    assert "The predictions of Feedforward are not here." in panel.explanation


def test_too_many_models_leave_the_best(tagger, monkeypatch):
    monkeypatch.setattr(threshold, "BYTES", 4 * 9 * (threshold.FEWEST + 1))
    (panel,) = threshold.build_panels(tagger)
    assert [model["title"] for model in panel.data["models"]] == ["Feedforward"]
    assert "Of 2 models the 1" in panel.explanation


def test_too_many_classes_have_no_panel(tagger):
    task = tagger.study.task.model_copy(update={"classes": [f"c{k}" for k in range(1000)], "signal": "c0"})
    assert threshold.build_panels(replace(tagger, study=tagger.study.model_copy(update={"task": task}))) == []


def test_other_tasks_have_no_threshold(curve):
    assert threshold.build_panels(curve) == []


def test_learning_curves_are_the_histories(curve):
    (panel,) = learning_curves.build_panels(curve)
    assert panel.data["quantities"] == ["train_loss", "val_loss", "learning_rate"]
    assert len(panel.data["runs"]) == 6
    for run in panel.data["runs"]:
        epoch = np.arange(1, 21)
        seed = int(run["run"].removeprefix("seed "))
        columns = {name: decode(values) for name, values in run["columns"].items()}
        np.testing.assert_array_equal(columns["epoch"], epoch)
        np.testing.assert_allclose(columns["val_loss"], 2 / epoch + 0.5 + 0.02 * seed, rtol=1e-6)
        np.testing.assert_allclose(columns["seconds"], 0.1 * epoch, rtol=1e-6)


def test_long_histories_are_thinned_and_keep_their_ends(curve, monkeypatch):
    monkeypatch.setattr(learning_curves, "POINTS", 1)  # ten points of a run at least
    (panel,) = learning_curves.build_panels(curve)
    epochs = decode(panel.data["runs"][0]["columns"]["epoch"])
    assert len(epochs) == 10
    assert epochs[[0, -1]].tolist() == [1, 20]
    assert "10 points, evenly spaced" in panel.explanation


@pytest.mark.parametrize(
    "rows", [[], [{"epoch": "1", "val_loss": ""}], [{"epoch": "1", "note": "x"}], [{"val_loss": "1"}]]
)
def test_histories_that_say_nothing_make_no_panel(rows, curve):
    models = {name: replace(m, histories={0: rows}) for name, m in curve.models.items()}
    assert learning_curves.build_panels(replace(curve, models=models)) == []


def test_gaps_of_a_history_stay_gaps(curve):
    rows = [{"epoch": "1", "val_loss": "nan"}, {"epoch": "2", "val_loss": ""}, {"epoch": "3", "val_loss": "0.5"}]
    models = {"short": replace(curve.models["short"], histories={(1, 0): rows, (0, 1): rows})}
    (panel,) = learning_curves.build_panels(replace(curve, models=models))
    assert [run["run"] for run in panel.data["runs"]] == ["fold 0, seed 1", "fold 1, seed 0"]
    np.testing.assert_array_equal(
        decode(panel.data["runs"][0]["columns"]["val_loss"]), np.float32([np.nan, np.nan, 0.5])
    )


def test_trials_are_ordered_and_keep_those_that_failed(tagger):
    (panel,) = searches.build_panels(tagger)
    (search,) = panel.data["searches"]
    assert search["axes"] == [{"name": "training.learning_rate", "kind": "log", "low": 1e-4, "high": 1e-2}]
    assert [(t["number"], t["loss"], t["status"]) for t in search["trials"]] == [
        ("1", 0.5, "finished"), ("2", None, "diverged")]  # fmt: skip


def test_of_many_trials_the_best_are_shown_and_choices_keep_their_order(tagger):
    space = {"a": {"kind": "choice", "values": ["relu", "tanh"]}, "b": {"kind": "integers", "low": 1, "high": 9}}
    settings = Search.model_validate({"trials": 999, "space": space})
    study = tagger.study.model_copy(deep=True)
    study.models["feedforward"] = study.models["feedforward"].model_copy(update={"search": settings})
    rng = np.random.default_rng(1)
    losses = rng.permutation(999)
    trials = [{"trial": str(i), "a": "tanh", "b": "3", "val_loss": str(loss)} for i, loss in enumerate(losses)]
    found = replace(tagger.models["feedforward"], search=replace(tagger.models["feedforward"].search, trials=trials))
    (panel,) = searches.build_panels(replace(tagger, study=study, models={"feedforward": found}))
    (search,) = panel.data["searches"]
    assert [t["loss"] for t in search["trials"]] == list(range(searches.TRIALS))
    assert search["hidden"] == 999 - searches.TRIALS
    assert search["axes"][0] == {"name": "a", "kind": "choice", "values": ["relu", "tanh"]}
    assert search["axes"][1] == {"name": "b", "kind": "linear", "low": 1, "high": 9}


def unit(activation: str, slope: float | None, weights: list, normalise: str = "none") -> SimpleNamespace:
    """A model as the panel sees it, whose surface is that of PyTorch's activation."""
    import torch

    x_1, x_2 = np.meshgrid(np.linspace(-4, 4, 41), np.linspace(-3, 5, 41))
    z = [torch.tensor(w[0] * x_1 + w[1] * x_2 - w[2]) for w in weights]
    surfaces = [
        np.round(torch.nn.functional.leaky_relu(a, 0.137 if slope is None else slope).numpy() - 0.5, 4) for a in z
    ]
    curves = {
        "weights": weights, "surfaces": [s.tolist() for s in surfaces], "extent": [-4, 4, -3, 5],
        "points": {"x": [[0.12345, 1.0]], "label": [1]},
    }  # fmt: skip
    architecture = SimpleNamespace(kind="perceptron", activation=activation, slope=slope)
    settings = SimpleNamespace(normalise=normalise, architecture=architecture, inputs=["cloud"])
    runs = [SimpleNamespace(seed=k, fold=None) for k in range(len(weights))]
    return SimpleNamespace(name="m", label="M", curves=curves, model=settings, runs=runs)


@pytest.mark.parametrize(("activation", "slope", "expected"), [
    ("prelu", None, 0.137), ("leaky_relu", 0.2, 0.2), ("leaky_relu", None, 0.01), ("logistic", None, None),
])  # fmt: skip
def test_a_learned_slope_is_read_from_the_response(activation, slope, expected):
    found = perceptron._unit(unit(activation, slope, [[1.0, -0.5, 0.3], [0.4, 0.9, -1.0]]))
    if expected is None:
        assert found["slopes"] is None
    else:
        assert found["slopes"] == pytest.approx([expected, expected], abs=1e-3)


def test_units_at_zero_and_networks_are_no_trouble():
    assert perceptron._unit(unit("prelu", None, [[0.0, 0.0, 0.0]]))["slopes"] == [0.25]
    assert perceptron._unit(unit("relu", None, [[1.0, 1.0, 0.0]], normalise="standard")) is None
    network = unit("relu", None, [[1.0, 1.0, 0.0]])
    network.curves["weights"] = [None]
    assert perceptron._unit(network) is None


@pytest.mark.parametrize("error", [ValueError("<b>$x</b>\n</script>"), UserError("f", "is damaged"), MemoryError()])
def test_a_panel_that_fails_costs_itself_alone(error, tagger, monkeypatch, told):
    def fail(_):
        raise error

    monkeypatch.setitem(PANELS._components, "threshold", fail)
    built = build_all_panels(tagger)
    assert [panel.name for panel in built if not panel.failure] == ["learning-curves", "searches"]
    page = Page(render_explore(tagger.study, built, "demo"))
    assert "This panel could not be made" in " ".join(page.words)
    assert len(page.data) == 2
    assert [record for record in told if "panel tagger/explore/threshold could not be made" in record.message]


@pytest.mark.parametrize("panel", [
    Panel("p", "", "", {"x": float("nan")}, "threshold.js"), Panel("p", "", "", {"x": {1, 2}}, "threshold.js"),
    Panel("p", "", "", {}, "none.js"), Panel("p", "", "", {}, "../threshold.js"),
    Panel('p"', "", "", {}, "threshold.js"),
])  # fmt: skip
def test_a_panel_that_cannot_be_written_is_one_that_failed(panel, tagger, monkeypatch):
    monkeypatch.setitem(PANELS._components, "threshold", lambda _: [panel])
    assert [p.name for p in build_all_panels(tagger) if p.failure] == ["threshold"]


def test_texts_stay_texts(tagger):
    nasty = "</script><b>x</b><!--<script> & ]]> \u2028"
    panels = [Panel("a", nasty, nasty, {"text": nasty}, "searches.js")]
    study = tagger.study.model_copy(update={"title": nasty})
    page = Page(render_explore(study, panels, "demo"))
    assert json.loads(page.data[0]) == {"text": nasty}
    assert page.elements.count("b") == 1  # the scale's
    assert page.elements.count("script") == 1 + 1 + 2 + 1  # data, plotly, explore.js and searches.js, the start
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert [value for name, value in page.attributes if name == "src"] == [f"../{PLOTLY}"]


def test_scripts_hold_nothing_that_ends_them_or_is_evaluated():
    for script in SCRIPTS.iterdir():
        text = script.read_text(encoding="utf-8")
        for word in (
            "</script",
            "<!--",
            "eval(",
            "new Function",
            "innerHTML",
            "insertAdjacentHTML",
            "document.write",
            "http",
        ):
            assert word not in text, (script.name, word)


def test_every_panel_has_a_script_that_registers_it():
    for name in PANELS.names():
        assert f'bevatron.panel("{name}"' in (SCRIPTS / f"{name}.js").read_text(encoding="utf-8")


def test_the_report_has_the_page_and_one_plotly_for_all(results, write_report, tmp_path):
    workflow, studies, folder = results
    write_report(workflow, studies, folder, tmp_path)
    assert (tmp_path / PLOTLY).read_bytes() == plotly_script()
    assert [path.name for path in tmp_path.rglob("*.js")] == [PLOTLY]
    for study in studies:
        page = (tmp_path / study.name / EXPLORE).read_bytes()
        assert len(page) < 3e6
        listed = json.loads((tmp_path / study.name / "provenance.json").read_text())["files"]["report"]
        assert EXPLORE in listed
        assert 'href="explore.html"' in (tmp_path / study.name / "index.html").read_text()
