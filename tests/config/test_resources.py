"""The table of resources: overrides, retry scaling, limits, and mistakes told in one line each."""

import re
from pathlib import Path

import pytest
import yaml

from bevatron.config.loading.load_resources import find_resource_errors, load_resources, load_site
from bevatron.config.sections.resources import RULES, SHARD_RULES, Resources
from bevatron.config.sections.site import Site
from bevatron.errors import ConfigurationError

ROOT = Path(__file__).parents[2]
STUDIES = ROOT / "config" / "studies"


@pytest.fixture
def table(tmp_path):
    """Writes a table, and a site's file where one is given; returns their paths."""

    def write(tree: dict, site: dict | None = None) -> tuple[Path, Path | None]:
        paths = tmp_path / "resources.yaml", tmp_path / "site.yaml"
        for path, content in zip(paths, (tree, site), strict=True):
            if content is not None:
                path.write_text(yaml.safe_dump(content))
        return paths[0], paths[1] if site is not None else None

    return write


def test_the_shipped_table_is_valid_and_shows_the_defaults():
    path = ROOT / "config" / "resources.yaml"
    assert find_resource_errors(path, None, STUDIES) == []
    assert load_resources(path) == Resources()
    assert set(yaml.safe_load(path.read_text())["rules"]) == set(RULES)


def test_the_example_of_a_site_is_valid_with_all_its_suggestions(tmp_path):
    example = ROOT / "profiles" / "site" / "site.example.yaml"
    path = tmp_path / "site.yaml"
    path.write_text(re.sub(r"^# (?=\w+: )", "", example.read_text(), flags=re.M))
    assert find_resource_errors(ROOT / "config" / "resources.yaml", path, STUDIES) == []
    assert set(yaml.safe_load(path.read_text())) == set(Site.model_fields)


def test_without_a_file_the_defaults_hold(tmp_path):
    assert load_resources(tmp_path / "resources.yaml") == Resources()


def test_a_key_left_out_keeps_the_rules_own_default(table):
    needs = load_resources(table({"rules": {"search": {"minutes": 30}}})[0]).needs("search", "jets", "feedforward_all")
    assert (needs.minutes, needs.memory_gb, needs.cpus) == (30, 8.0, 2)


def test_a_models_exception_goes_before_its_studys_and_that_before_the_rule(table):
    overrides = {"jets": {"train": {"gpus": 1, "cpus": 4}}, "jets/feedforward_all": {"train": {"gpus": 2, "nodes": 3}}}
    resources = load_resources(table({"overrides": overrides})[0])
    other, of_study, of_model = (
        resources.needs("train", *job)
        for job in [("function", "mlp"), ("jets", "kinematics"), ("jets", "feedforward_all")]
    )
    assert (other.nodes, other.gpus, other.cpus) == (1, 0, 1)
    assert (of_study.nodes, of_study.gpus, of_study.cpus) == (1, 1, 4)
    assert (of_model.nodes, of_model.gpus, of_model.cpus) == (3, 2, 4)
    assert resources.needs("search", "jets", "feedforward_all") == resources.rules.search


def test_a_site_changes_single_keys_of_the_table(table):
    tree = {"rules": {"train": {"cpus": 3, "minutes": 17}}}
    site = {"account": "physics", "resources": {"rules": {"train": {"cpus": 9}}, "shards": {"per_job": 5}}}
    resources = load_resources(*table(tree, site))
    assert (resources.rules.train.cpus, resources.rules.train.minutes, resources.shards.per_job) == (9, 17, 5)


def test_memory_and_time_grow_up_to_the_limits(table):
    tree = {"retry_scaling": {"memory": 2, "minutes": 1.5}, "limits": {"memory_gb": 20, "minutes": 400}}
    resources = load_resources(table(tree | {"shards": {"per_job": 4}})[0])
    needs = resources.needs("search")
    assert [resources.memory_gb(needs, attempt) for attempt in (1, 2, 3)] == [8, 16, 20]
    assert [resources.minutes("search", needs, attempt) for attempt in (1, 2, 3)] == [240, 360, 400]


@pytest.mark.parametrize("per_job", [1, 7, 20, 100])
def test_a_batch_job_of_shards_never_exceeds_the_limit_however_often_it_is_tried(table, per_job):
    resources = load_resources(table({"shards": {"per_job": per_job}, "limits": {"minutes": 1600}})[0])
    times = []
    for attempt in range(1, 6):
        each = (resources.minutes(rule, resources.needs(rule), attempt) for rule in SHARD_RULES)
        times.append(per_job * sum(each))
    assert times == sorted(times)
    assert times[0] == per_job * 15
    assert times[-1] <= 1600


@pytest.mark.parametrize(
    ("tree", "wanted"),
    [
        ({"rules": {"trian": {}}}, ["rules.trian: unknown key", "did you mean 'train'"]),
        ({"rules": {"train": {"memory": 3}}}, ["rules.train.memory: unknown key", "memory_gb"]),
        ({"rules": {"train": {"cpus": 0}}}, ["rules.train.cpus", "greater than or equal to 1", "found 0"]),
        ({"rules": {"train": {"cpus": 500}}}, ["rules.train.cpus: found 500, above limits.cpus 128"]),
        ({"rules": {"search": {"minutes": 9999}}}, ["rules.search.minutes: found 9999, above limits.minutes 2880"]),
        ({"rules": {"evaluate": {"nodes": 2}}}, ["rules.evaluate.nodes: must be 1, found 2", "search and train"]),
        ({"rules": {"simulate": {"gpus": 1}}}, ["rules.simulate.gpus: must be 0, found 1"]),
        ({"rules": "fast"}, ["rules", "found 'fast'"]),
        ({"overrides": {"jets/feedforward_all": {"simulate": {"cpus": 2}}}}, ["is a study's, not a model's"]),
        ({"overrides": {"jets": {"train": {"gpus": 9}}}}, ["overrides.jets.train.gpus: found 9, above limits.gpus"]),
        ({"overrides": {"quarks": {"train": {"gpus": 1}}}}, ["overrides.quarks", "there is no study 'quarks'"]),
        ({"overrides": {"jets/lstm": {"train": {"gpus": 1}}}}, ["has no model 'lstm'", "fisher, "]),
        ({"retry_scaling": {"memory": 0.5}}, ["retry_scaling.memory", "greater than or equal to 1", "found 0.5"]),
    ],
)
def test_each_mistake_is_one_line_with_its_place(table, tree, wanted):
    path, _ = table(tree)
    (line,) = find_resource_errors(path, None, STUDIES)
    assert line.startswith(f"{path}: ")
    for words in wanted:
        assert words in line
    assert "\n" not in line


def test_too_many_shards_for_the_longest_time_are_told(table):
    lines = find_resource_errors(table({"shards": {"per_job": 200}})[0], None, STUDIES)
    assert lines
    assert all("3000 for the 200 shards of a batch job, above limits.minutes 2880" in line for line in lines)


def test_mistakes_of_a_site_are_told_as_its_own(table):
    path, site = table({}, {"resources": {"rules": {"train": {"cpus": "many"}}}})
    (line,) = find_resource_errors(path, site, STUDIES)
    assert line.startswith(f"{site}: resources.rules.train.cpus: must be")
    path, site = table({}, {"acount": "physics"})
    (line,) = find_resource_errors(path, site, STUDIES)
    assert line.startswith(f"{site}: acount: unknown key (did you mean 'account'?)")
    path, site = table({}, {"resources": {"limits": {"memory_gb": 1}}})
    lines = find_resource_errors(path, site, STUDIES)
    assert len(lines) == len(RULES)
    assert all(str(site) in line for line in lines)


@pytest.mark.parametrize("argument", ["--mem=4G", "--gpus-per-node=2", "-pgpu", "--requeue", "rm -rf .", "--a=1\nx"])
def test_a_site_gives_sbatch_no_argument_that_the_table_gives(table, argument):
    _, site = table({}, {"sbatch": [argument]})
    with pytest.raises(ConfigurationError, match="sbatch"):
        load_site(site)


@pytest.mark.parametrize("account", ["physics; rm -rf ~", "$(id)", "a b", "'"])
def test_names_that_a_shell_would_read_are_refused(table, account):
    _, site = table({}, {"account": account})
    with pytest.raises(ConfigurationError, match="account"):
        load_site(site)
