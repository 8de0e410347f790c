"""A source or recipe whose output changes without a new version is found here, and only then."""

import json
from dataclasses import replace

import numpy as np
import pytest
from golden_cases import RECIPE_CASES, SLOW, SOURCE_CASES, class_of, components, path_of
from golden_events import collisions
from golden_summary import differences, summary_of
from write_golden import content_of

from bevatron.errors import UserError
from bevatron.prepare.recipes.images import LUMA
from bevatron.store.shards.columns import Dense, Group

COMMAND = "python tests/golden/write_golden.py"
PACKAGES = {"source hepmc": ("pyhepmc",), "source nanoaod": ("uproot", "awkward")}


def told(component: str, lines: list[str]) -> str:
    cls = class_of(component)
    return (
        f"the output of the {component} has changed for the same settings: raise VERSION of {cls.__qualname__} "
        f"({cls.__module__}), now {cls.VERSION}, and run `{COMMAND} {path_of(component).stem}`\n"
        + "\n".join(lines[:10])
    )


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "component", [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in components()]
)
def test_output_is_that_of_its_version(component):
    word, name = component.split()
    if name not in (SOURCE_CASES if word == "source" else RECIPE_CASES):
        pytest.fail(f"{component}: give it a case in tests/golden/golden_cases.py, and run `{COMMAND}`")
    for package in PACKAGES.get(component, ()):
        pytest.importorskip(package, reason="needs the extra formats")
    try:
        found = content_of(component)
    except UserError as error:
        if name == "geant4":
            pytest.skip(f"cannot run here: {error}")
        raise
    path = path_of(component)
    if not path.is_file():
        pytest.fail(f"{component}: has no golden file yet; run `{COMMAND} {path.stem}` and commit {path.name}")
    expected = json.loads(path.read_text())
    if found["version"] != expected["version"]:
        pytest.fail(
            f"{component}: VERSION is {found['version']}, the golden file's {expected['version']}; run `{COMMAND}`"
        )
    if found["made_with"] != expected["made_with"]:
        pytest.skip(f"the golden file is of {expected['made_with']}, here is {found['made_with']}: other events")
    lines = differences(found["samples"], expected["samples"])
    assert not lines, told(component, lines)


def test_every_golden_file_is_of_a_component():
    known = {path_of(component).name for component in components()}
    assert {path.name for path in path_of("source jets").parent.iterdir()} <= known


def test_a_constant_changed_a_little_is_found_and_other_last_bits_are_not(monkeypatch):
    component = "recipe images"
    expected = json.loads(path_of(component).read_text())["samples"]
    monkeypatch.setattr("bevatron.prepare.recipes.images.LUMA", LUMA * np.array([1.002, 1.0, 1.0], np.float32))
    lines = differences(content_of(component)["samples"], expected)
    assert lines
    assert all("grey" in line for line in lines)
    assert "raise VERSION of Images" in told(component, lines)
    monkeypatch.setattr("bevatron.prepare.recipes.images.LUMA", np.nextafter(LUMA, np.float32(1.0)))
    assert differences(content_of(component)["samples"], expected) == []


def changed(samples, change):
    values = samples.inputs["jet"].column.values.copy()
    change(values)
    group = samples.inputs["jet"]
    return replace(samples, inputs=samples.inputs | {"jet": Group(Dense(values), group.features, group.units)})


def swap(values):
    values[[3, 70]] = values[[70, 3]]


def one_element(values):
    values[5, 1] += 0.5


def sign(values):
    values[:, 2] *= -1


@pytest.mark.parametrize("change", [swap, one_element, sign])
def test_what_a_summary_sees(change):
    samples = collisions()
    before = summary_of(samples)
    noisy = changed(
        samples, lambda v: np.multiply(v, 1 + 2e-7 * np.sign(np.sin(np.arange(v.size))).reshape(v.shape), out=v)
    )
    assert differences(summary_of(noisy), before) == []
    assert differences(summary_of(changed(samples, change)), before)


def test_a_summary_sees_integers_names_and_layout():
    samples = collisions()
    before = summary_of(samples)
    group = samples.inputs["hadron_ids"]
    group.column.values[2, 1] += 1
    assert differences(summary_of(samples), before) != []
    group.column.values[2, 1] -= 1
    assert differences(summary_of(samples), before) == []
    renamed = replace(samples, inputs=samples.inputs | {"jet": replace(samples.inputs["jet"], units=("MeV",) * 4)})
    assert differences(summary_of(renamed), before) != []
    assert differences(summary_of(samples.take(np.arange(len(samples))[::-1])), before) != []
    assert differences(summary_of(replace(samples, weight=np.ones(len(samples)))), before) != []
