"""What a search tries follows from its seed, also across a kill."""

import pytest

from bevatron.compute.flag import Flag
from bevatron.search.journal import DIVERGED, FAILED, FINISHED, STOPPED, Journal
from bevatron.search.suggest import Suggest


def ending(number: int) -> str:
    return {4: DIVERGED, 7: STOPPED, 9: FAILED}.get(number, FINISHED)


def suggest_of(search, journal: Journal) -> Suggest:
    return Suggest(search, "best", journal, Flag(journal.path.with_name("stop-requested")))


def run(journal: Journal, search, until: int) -> None:
    """The driver's part of a search of one trial at a time, without Ray: suggest, report, end."""
    suggest = suggest_of(search, journal)
    while len(journal.ended) < until:
        config = suggest.suggest("id")
        number, rate = config["number"], config["values"]["training.learning_rate"]
        for epoch in range(1, 4):
            journal.report(number, epoch, rate + 1 / epoch, 0.0)
        status = ending(number)
        result = {"status": status} if status in (FINISHED, DIVERGED) else {}
        suggest.on_trial_complete("id", None if status == FAILED else result, error=status == FAILED)
        journal.end(number, status, "", 0.0, None)


def drawn(journal: Journal) -> list[dict]:
    return [trial.drawn for trial in journal.ended]


def test_equal_seeds_try_the_same_and_other_seeds_others(tmp_path, study_with_search):
    tried = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        with Journal(tmp_path / name) as journal:
            run(journal, study_with_search(seed=seed, epochs=5).models["net"].search, 15)
            tried.append(drawn(journal))
    assert tried[0] == tried[1]
    assert all(a != c for a, c in zip(tried[0], tried[2], strict=True))


@pytest.mark.parametrize("killed_after", [3, 8, 12])
def test_a_killed_search_tries_what_an_unkilled_one_would_have(tmp_path, study_with_search, killed_after):
    search = study_with_search(epochs=5).models["net"].search
    with Journal(tmp_path / "whole") as journal:
        run(journal, search, 15)
        whole = drawn(journal)
    with Journal(tmp_path / "cut") as journal:
        run(journal, search, killed_after)
        config = suggest_of(search, journal).suggest("id")  # under way when the kill comes
        journal.report(config["number"], 1, config["values"]["training.learning_rate"] + 1, 0.0)
    with Journal(tmp_path / "cut") as journal:
        again = suggest_of(search, journal).suggest("id")
        assert again["number"] == killed_after + 1
        assert again["values"] == config["values"]
        assert [epoch for epoch, _ in again["losses"]] == [1]
        run(journal, search, 15)
        assert drawn(journal) == whole


def test_a_search_learns_where_the_loss_is_low(tmp_path, study_with_search):
    search = study_with_search(epochs=3, trials=40).models["net"].search
    with Journal(tmp_path / "journal") as journal:
        run(journal, search, 40)
        rates = [trial.drawn["training.learning_rate"] for trial in journal.ended]
    # The loss grows with the rate, so its square root of 1e-4 to 1 splits random draws in halves.
    assert sum(rate < 1e-2 for rate in rates[20:]) > 15


def test_nothing_new_is_started_once_the_search_is_stop_requested(study_with_search, tmp_path):
    search = study_with_search().models["net"].search
    with Journal(tmp_path / "journal") as journal:
        suggest = suggest_of(search, journal)
        Flag(tmp_path / "stop-requested").set()
        assert suggest.suggest("id") is None
        assert journal.trials == {}
