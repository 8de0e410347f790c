"""What a search tries follows from its seed, also across a kill."""

import pytest

from bevatron.compute.process.flag import Flag
from bevatron.search.suggest import Suggest
from bevatron.search.trial_log import DIVERGED, FAILED, FINISHED, STOPPED, TrialLog


def ending(number: int) -> str:
    return {4: DIVERGED, 7: STOPPED, 9: FAILED}.get(number, FINISHED)


def suggest_of(search, trial_log: TrialLog) -> Suggest:
    return Suggest(search, "best", trial_log, Flag(trial_log.path.with_name("stop-requested")))


def run(trial_log: TrialLog, search, until: int) -> None:
    """The driver's part of a search of one trial at a time, without Ray: suggest, report, end."""
    suggest = suggest_of(search, trial_log)
    while len(trial_log.ended) < until:
        config = suggest.suggest("id")
        number, rate = config["number"], config["values"]["training.learning_rate"]
        for epoch in range(1, 4):
            trial_log.report(number, epoch, rate + 1 / epoch, 0.0)
        status = ending(number)
        result = {"status": status} if status in (FINISHED, DIVERGED) else {}
        suggest.on_trial_complete("id", None if status == FAILED else result, error=status == FAILED)
        trial_log.end(number, status, "", 0.0, None)


def drawn(trial_log: TrialLog) -> list[dict]:
    return [trial.sampled for trial in trial_log.ended]


def test_equal_seeds_try_the_same_and_other_seeds_others(tmp_path, study_with_search):
    tried = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        with TrialLog(tmp_path / name) as trial_log:
            run(trial_log, study_with_search(seed=seed, epochs=5).models["net"].search, 15)
            tried.append(drawn(trial_log))
    assert tried[0] == tried[1]
    assert all(a != c for a, c in zip(tried[0], tried[2], strict=True))


@pytest.mark.parametrize("killed_after", [3, 8, 12])
def test_a_killed_search_tries_what_an_unkilled_one_would_have(tmp_path, study_with_search, killed_after):
    search = study_with_search(epochs=5).models["net"].search
    with TrialLog(tmp_path / "whole") as trial_log:
        run(trial_log, search, 15)
        whole = drawn(trial_log)
    with TrialLog(tmp_path / "cut") as trial_log:
        run(trial_log, search, killed_after)
        config = suggest_of(search, trial_log).suggest("id")  # under way when the kill comes
        trial_log.report(config["number"], 1, config["values"]["training.learning_rate"] + 1, 0.0)
    with TrialLog(tmp_path / "cut") as trial_log:
        again = suggest_of(search, trial_log).suggest("id")
        assert again["number"] == killed_after + 1
        assert again["values"] == config["values"]
        assert [epoch for epoch, _ in again["losses"]] == [1]
        run(trial_log, search, 15)
        assert drawn(trial_log) == whole


def test_a_search_learns_where_the_loss_is_low(tmp_path, study_with_search):
    search = study_with_search(epochs=3, trials=40).models["net"].search
    with TrialLog(tmp_path / "trial_log") as trial_log:
        run(trial_log, search, 40)
        rates = [trial.sampled["training.learning_rate"] for trial in trial_log.ended]
    # The loss grows with the rate, so its square root of 1e-4 to 1 splits random draws in halves.
    assert sum(rate < 1e-2 for rate in rates[20:]) > 15


def test_nothing_new_is_started_once_the_search_is_stop_requested(study_with_search, tmp_path):
    search = study_with_search().models["net"].search
    with TrialLog(tmp_path / "trial_log") as trial_log:
        suggest = suggest_of(search, trial_log)
        Flag(tmp_path / "stop-requested").set()
        assert suggest.suggest("id") is None
        assert trial_log.trials == {}
