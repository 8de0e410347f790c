"""A configuration with any odd value or damage is valid, or refused a line for each mistake: never a traceback.

Also what Snakemake's command line says, and the nearest name of what is unknown.
"""

import copy
import random
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from damage import damage
from odd_inputs import draws, is_one_line

from bevatron.config.loading.load import check_overrides, check_plain, load_study, load_workflow, read_yaml
from bevatron.config.loading.load_resources import load_resources
from bevatron.config.loading.yaml_text import dump_yaml, parse_yaml
from bevatron.errors import ConfigurationError, UserError
from bevatron.near_names import did_you_mean
from bevatron.plan.rates import load_rates

CONFIG = Path(__file__).parents[2] / "config"
STUDIES = ("function", "perceptron", "digits_gan", "sky")
# As they stand in a file, without quotes.
SCALARS = (
    "010", "08", "0o17", "0b11", "0x1F", "2:30", "1:30:45.5", "1_000", "2016_2017", "1e3", "1e-400", "1e400", ".5",
    "5.", "+1", "-0", "true", "True", "yes", "no", "on", "off", "~", "null", ".inf", "-.inf", ".nan", "nan",
    "2026-11-29", "2026-11-29 10:00:00", "99999999999999999999", "-99999999999999999999", "9999999999999",
    "1000000000000", "'1'", "'true'", "''", '" "', "[]", "{}", "[1]", "{a: 1}", "{kind: x}", "{kind: [1]}", "[[[]]]",
    "é", "日本", "'\u202e'", "!!set {a}", "!!omap [a: 1]", "!!pairs [a: 1]", "!!str 3", "!!int '3'", "!!float 3",
    "!!timestamp 2026-11-29", "!!null x", "? a", "&x [*x]", "*y", "=", "<<", "@", "`", "%", "|", ">-", "-", "x" * 5000,
)  # fmt: skip


def leaves(tree: Any, path: tuple = ()) -> list[tuple]:
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [place for key, value in items for place in [(*path, key), *leaves(value, (*path, key))]]


def with_scalar(tree: Any, rng: random.Random) -> str:
    """The file with an odd value, or an odd key, at a place that is drawn."""
    tree = copy.deepcopy(tree)
    *steps, leaf = rng.choice(leaves(tree))
    branch = tree
    for step in steps:
        branch = branch[step]
    if isinstance(branch, dict) and rng.random() < 0.3:
        branch["PLACE"] = branch.pop(leaf)
    else:
        branch[leaf] = "PLACE"
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True).replace("PLACE", rng.choice(SCALARS), 1)


def with_key_twice(text: str, rng: random.Random) -> str:
    """A line that has a key, written a second time right after its own block."""
    lines = text.splitlines()
    number = rng.choice([k for k, line in enumerate(lines) if re.match(r" *[a-z_]+:", line)])
    return "\n".join([*lines[: number + 1], re.sub(r":.*", ": 33333", lines[number]), *lines[number + 1 :]])


def check_refusal(load: Any, *arguments: Any) -> str:
    """Empty where it is loaded or refused well, else what came."""
    try:
        load(*arguments)
    except ConfigurationError as error:
        return "" if all("\n" not in line and len(line) < 4000 for line in error.lines) else repr(error)
    except UserError as error:
        return "" if is_one_line(error) else repr(error)
    except BaseException as error:
        return repr(error)
    return ""


@pytest.mark.parametrize("name", STUDIES)
def test_an_odd_study_is_refused_by_line(name, tmp_path):
    text = (CONFIG / "studies" / f"{name}.yaml").read_text(encoding="utf-8")
    tree, found = yaml.safe_load(text), []
    for number, rng in draws(f"study {name}", 10):
        kind = rng.random()
        odd = with_scalar(tree, rng) if kind < 0.7 else with_key_twice(text, rng) if kind < 0.8 else None
        content = damage(text.encode(), rng) if odd is None else odd.encode()
        (tmp_path / f"{name}.yaml").write_bytes(content)
        said = check_refusal(load_study, name, rng.choice(["demo", "paper"]), tmp_path)
        if said:
            found.append((number, said[:600], odd and [line for line in odd.splitlines() if line not in text][:3]))
    assert not found, (len(found), found[:3])


@pytest.mark.parametrize(
    ("file", "load", "default"),
    [("config.yaml", load_workflow, 25), ("resources.yaml", load_resources, 10), ("rates.yaml", load_rates, 2)],
)
def test_other_odd_files_are_refused_by_line(file, load, default, tmp_path):
    text = (CONFIG / file).read_text(encoding="utf-8")
    tree, found = yaml.safe_load(text), []
    path = tmp_path / file
    (tmp_path / "studies").symlink_to(CONFIG / "studies")
    for number, rng in draws(f"file {file}", default):
        kind = rng.random()
        odd = with_scalar(tree, rng) if kind < 0.7 else with_key_twice(text, rng) if kind < 0.8 else None
        path.write_bytes(damage(text.encode(), rng) if odd is None else odd.encode())
        if said := check_refusal(load, path):
            found.append((number, said[:600]))
    assert not found, (len(found), found[:3])


def test_a_key_that_stands_twice_is_named_with_both_lines(tmp_path):
    text = (CONFIG / "studies" / "function.yaml").read_text(encoding="utf-8")
    path = tmp_path / "function.yaml"
    for _, rng in draws("keys", 20):
        odd = with_key_twice(text, rng)
        path.write_text(odd, encoding="utf-8")
        lines = odd.splitlines()
        second = next(k for k, (a, b) in enumerate(zip(lines, [*text.splitlines(), ""], strict=False), 1) if a != b)
        with pytest.raises(UserError) as caught:
            read_yaml(path)
        if "stands twice" in str(caught.value):  # a block in between makes it another mistake
            assert f"function.yaml:{second}:" in str(caught.value)
            assert f"(first in line {second - 1})" in str(caught.value)


@pytest.mark.parametrize(
    ("first", "second"),
    [("a", "'a'"), ("1", "0x1"), ("true", "True"), ("1.0", "1"), ("~", "null"), ("1e3", "1000.0"), ("<<", "<<")],
)
def test_a_key_in_two_spellings_stands_twice(first, second):
    base = "base: &b {x: 1}\n" if first == "<<" else ""
    value = "*b" if base else "1"
    with pytest.raises(yaml.YAMLError, match=r"stands twice \(first in line"):
        parse_yaml(f"{base}more:\n  {first}: {value}\n  {second}: {value}\n")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1e3", 1000.0), ("1E-3", 0.001), ("-2.5e3", -2500.0), (".5e1", 5.0), ("1_000", 1000), ("12_345.5", 12345.5),
        ("yes", "yes"), ("No", "No"), ("on", "on"), ("OFF", "OFF"), ("y", "y"), ("true", True), ("False", False),
        ("'010'", "010"), ("1e", "1e"), ("e3", "e3"), ("a_1", "a_1"), ("1.2.3", "1.2.3"),
    ],
)  # fmt: skip
def test_values_are_what_people_mean(written, value):
    read = parse_yaml(f"a: {written}")["a"]
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    "written", ["010", "08", "0o17", "0b11", "2:30", "1:30:45.5", "2016_2017", "1_0", "0_1", "1e400"]
)
def test_numbers_that_are_read_in_several_ways_are_refused(written):
    with pytest.raises(yaml.YAMLError, match=r"read in several ways|too large"):
        parse_yaml(f"a: {written}")


def test_what_is_written_is_read_again():
    """Also by readers of YAML 1.1."""
    words = [word for word in SCALARS if word.isprintable()]
    for _, rng in draws("written", 100):
        value = {rng.choice(words): rng.choice([rng.choice(words), rng.random() * 10 ** rng.randint(-20, 20), 3, None])}
        assert parse_yaml(dump_yaml(value)) == value
        assert yaml.safe_load(dump_yaml(value)) == value


def test_odd_overrides_are_refused_or_known(tmp_path):
    """Keys of `--config` and `--configfile`: a key that is neither scale nor studies never passes."""
    path = tmp_path / "config.yaml"
    path.write_text("scale: demo\nstudies: [curve]\nfork_server: off\nruns_dir: runs\nray: {cpus: 1}\n")
    own = yaml.safe_load(path.read_text())
    assert own["fork_server"] is False  # as Snakemake reads it
    check_overrides(own, path)
    keys = [
        "study",
        "scales",
        "Scale",
        "SCALE",
        "scale ",
        "studie",
        "runs_dir",
        "accelerator",
        "ray",
        "zorp",
        "",
        "é",
        1,
    ]
    values = ["paper", ["jets"], {"cpus": 2}, {"cpus": True}, {"cpus": 1.0}, None, True, 1, "", float("nan")]
    for _, rng in draws("overrides", 200):
        key, value = rng.choice(keys), rng.choice(values)
        with pytest.raises(UserError, match="only scale and studies can be given there") as caught:
            check_overrides(own | {key: value}, path)
        assert is_one_line(caught.value)
    for key in ("scale", "studies"):
        check_overrides(own | {key: "paper"}, path)
        with pytest.raises(UserError, match=f"{key}: has no value"):
            check_overrides(own | {key: None}, path)


def test_a_configfile_with_a_key_twice_is_refused(tmp_path):
    path, other = tmp_path / "config.yaml", tmp_path / "my.yaml"
    path.write_text("studies: [curve]\n")
    other.write_text("scale: demo\nscale: paper\n")
    with pytest.raises(UserError, match=r"my\.yaml:2:1: .*'scale' stands twice \(first in line 1\)"):
        check_overrides({"studies": ["curve"], "scale": "paper"}, path, [other])


def test_a_configuration_runs_no_code(tmp_path):
    """Snakemake would take the file for a template."""
    path = tmp_path / "config.yaml"
    path.write_text("__use_yte__: true\nstudies: [curve]\nscale: ?open('made', 'w') and 'demo'\n")
    with pytest.raises(UserError, match="run code"):
        check_plain(path)
    path.write_text("studies: [curve]\n")
    check_plain(path)


def test_the_nearest_name_is_told():
    """One letter wrong, missing, twice or of the other case."""
    known = [path.stem for path in (CONFIG / "studies").glob("*.yaml")]
    for _, rng in draws("names", 200):
        name = rng.choice(known)
        at = rng.randrange(len(name))
        first, rest = name[:at], name[at + 1 :]
        typo = rng.choice([f"{first}x{rest}", first + rest, first + 2 * name[at] + rest, name.upper()])
        if typo in known or len(name) < 4:
            continue
        assert "did you mean" in did_you_mean(typo, known), typo
    assert did_you_mean("something else", known) == ""
    assert did_you_mean("x", []) == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("scale: papr\nstudies: [function]\n", "did you mean 'paper'"),
        ("accelerator: cudaa\nstudies: [function]\n", "did you mean 'cuda'"),
        ("scale: demo\nstudy: [function]\n", "did you mean 'studies'"),
        ("studies: [2026-11-29]\n", "must be a text, found 2026-11-29; write it in quotes"),
        ("studies: [true]\n", "must be a text, found true; write it in quotes"),
    ],
)
def test_a_wrong_value_is_told_with_what_was_meant(text, words, tmp_path):
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(ConfigurationError, match=re.escape(words)):
        load_workflow(tmp_path / "config.yaml")


def test_a_scale_that_is_no_mapping_is_told(tmp_path):
    (tmp_path / "curve.yaml").write_text("name: curve\nscales: {demo: 1e3}\n")
    with pytest.raises(ConfigurationError, match=r"curve\.yaml: scales\.demo: expected a mapping, found float"):
        load_study("curve", "demo", tmp_path)


def test_an_unknown_study_is_told_with_the_nearest():
    with pytest.raises(UserError, match=r"no study 'fnction' \(did you mean 'function'\?\)"):
        load_study("fnction", "demo", CONFIG / "studies")


def test_off_is_off(tmp_path):
    (tmp_path / "config.yaml").write_text("studies: [function]\nfork_server: off\nray: {dashboard: no}\n")
    workflow = load_workflow(tmp_path / "config.yaml")
    assert workflow.fork_server == "off"
    assert workflow.ray.dashboard is False
