"""What a digest depends on: a shard is made again when its bytes would change, and only then."""

from pathlib import Path

import pytest

from bevatron.config.loading import identity
from bevatron.config.loading.digest import canonical, digest_of, seed_of
from bevatron.config.loading.identity import dataset_digest, raw_digest, run_digest, search_digest
from bevatron.config.loading.load import load_study

ORDER = "shuffled in memory"
STUDY = load_study("function", "demo", Path(__file__).parents[2] / "config" / "studies")


def changed(**update):
    return STUDY.model_copy(update=update)


def test_more_shards_leave_the_others_valid():
    more = changed(simulation=STUDY.simulation.model_copy(update={"shards": 7}))
    assert raw_digest(more) == raw_digest(STUDY)


def test_another_seed_is_other_events():
    other = changed(simulation=STUDY.simulation.model_copy(update={"seed": 2}))
    assert raw_digest(other) != raw_digest(STUDY)
    assert dataset_digest(other) != dataset_digest(STUDY)


def test_words_and_checkpoint_times_do_not_change_a_run_but_seeds_and_rates_do():
    model = STUDY.models["ann_1000"]
    base = run_digest(STUDY, model, "m", 0, ORDER)
    assert run_digest(STUDY, model.with_values({"title": "another name"}), "m", 0, ORDER) == base
    assert run_digest(STUDY, model.with_values({"training.checkpoint_seconds": 1.0}), "m", 0, ORDER) == base
    assert run_digest(STUDY, model, "m", 1, ORDER) != base
    assert run_digest(STUDY, model, "another manifest", 0, ORDER) != base
    assert run_digest(STUDY, model.with_values({"training.learning_rate": 0.5}), "m", 0, ORDER) != base
    assert run_digest(STUDY, model, "m", 0, "streamed in blocks of 8 rows, shuffled among 2") != base


def test_another_version_of_the_learning_code_is_another_run_and_another_search(monkeypatch):
    model = STUDY.models["ann_1000"]

    def digests():
        return run_digest(STUDY, model, "m", 0, ORDER), search_digest(STUDY, model, "m", ORDER)

    before = digests()
    monkeypatch.setattr(identity, "LEARNING_VERSION", identity.LEARNING_VERSION + 1)
    assert all(new != old for new, old in zip(digests(), before, strict=True))


def test_every_schedule_average_and_accumulation_is_another_run():
    model = STUDY.models["ann_1000"].with_values({"training.batch_size": 100})
    changes = [
        {"training.schedule": "one_cycle"},
        {"training.schedule": "one_cycle", "training.one_cycle": {"pct_start": 0.1}},
        {"training.warm_up": {"steps": 10}},
        {"training.warm_up": {"steps": 10, "start_factor": 0.1}},
        {"training.weight_average": {}},
        {"training.weight_average": {"decay": 0.9}},
        {"training.accumulate": 2},
        {"training.compile": True},
    ]
    digests = [run_digest(STUDY, model.with_values(values), "m", 0, ORDER) for values in [{}, *changes]]
    assert len(set(digests)) == len(digests)
    unchanged = {"training.accumulate": 1, "training.warm_up": None, "training.compile": False}
    assert run_digest(STUDY, model.with_values(unchanged), "m", 0, ORDER) == digests[0]


def test_digests_do_not_depend_on_the_order_of_keys():
    assert canonical({"b": 1, "a": [1.5, None]}) == '{"a":[1.5,null],"b":1}'
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})


def test_seeds_fit_numpy_and_torch():
    assert all(0 <= seed_of("x", i) < 2**63 for i in range(1000))
    assert len({seed_of("x", i) for i in range(1000)}) == 1000


def test_nan_has_no_digest():
    with pytest.raises(ValueError, match="JSON"):
        digest_of(float("nan"))
