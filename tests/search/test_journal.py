"""The journal gives back what was written, whatever interrupted the writing."""

import pickle

import pytest

from bevatron.errors import UserError
from bevatron.search.journal import FINISHED, Journal


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "live" / "journal.jsonl"
    with Journal(path) as journal:
        journal.start(1, {"training.learning_rate": 0.1})
        journal.start(2, {"training.learning_rate": 0.2})
        journal.report(1, 1, 0.5, 1.0)
        journal.report(2, 1, 0.7, 1.1)
        journal.report(1, 2, 0.25, 2.0)
        journal.end(1, FINISHED, "", 2.5, 77)
    return path


def test_a_journal_read_again_holds_the_same_trials(written):
    with Journal(written) as journal:
        assert [trial.number for trial in journal.ended] == [1]
        assert [trial.number for trial in journal.interrupted] == [2]
        assert journal.trials[1].losses == {1: 0.5, 2: 0.25}
        assert journal.trials[1].seconds == 2.5
        assert journal.reports == [(1, 1, 0.5), (2, 1, 0.7), (1, 2, 0.25)]


@pytest.mark.parametrize("bytes_lost", [1, 7, 60])
def test_a_line_cut_by_a_kill_is_dropped_and_the_trial_counts_as_interrupted(written, bytes_lost):
    content = written.read_bytes()
    written.write_bytes(content[:-bytes_lost])
    with Journal(written) as journal:
        assert journal.ended == []
        journal.end(1, FINISHED, "", 2.5, 77)
    with Journal(written) as journal:
        assert [trial.number for trial in journal.ended] == [1]


def test_an_epoch_reported_twice_is_written_once(written):
    with Journal(written) as journal:
        size = written.stat().st_size
        journal.report(2, 1, 0.7, 9.0)
        assert written.stat().st_size == size


def test_a_damaged_line_is_named(written):
    lines = written.read_text().splitlines()
    lines[2] = lines[2].replace('"epoch"', '"epock"')
    written.write_text("\n".join(lines) + "\n")
    with pytest.raises(UserError, match=r"journal\.jsonl:3: is no line of a search's journal"):
        Journal(written)


def test_a_changed_number_is_named(written):
    written.write_text(written.read_text().replace("0.25", "0.15"))
    with pytest.raises(UserError, match=r"journal\.jsonl:5: .*changed or damaged"):
        Journal(written)


def test_a_folder_that_cannot_be_written_is_the_users_to_mend(tmp_path):
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(UserError, match="a file stands where a folder is needed"):
        Journal(tmp_path / "runs" / "digest" / "journal.jsonl")


def test_losses_are_of_the_weights_that_the_model_keeps(written):
    with Journal(written) as journal:
        journal.report(1, 3, 0.4, 3.0)
        assert journal.trials[1].val_loss("best") == 0.25
        assert journal.trials[1].val_loss("last") == 0.4


def test_a_journal_can_be_pickled_as_tune_does_with_all_it_is_given(written):
    with Journal(written) as journal:
        assert pickle.loads(pickle.dumps(journal)).trials == journal.trials
