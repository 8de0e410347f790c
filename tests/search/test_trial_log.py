"""The trial log gives back what was written, whatever interrupted the writing."""

import pickle

import pytest

from bevatron.errors import UserError
from bevatron.search.trial_log import FINISHED, TrialLog


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "live" / "trial_log.jsonl"
    with TrialLog(path) as trial_log:
        trial_log.start(1, {"training.learning_rate": 0.1})
        trial_log.start(2, {"training.learning_rate": 0.2})
        trial_log.report(1, 1, 0.5, 1.0)
        trial_log.report(2, 1, 0.7, 1.1)
        trial_log.report(1, 2, 0.25, 2.0)
        trial_log.end(1, FINISHED, "", 2.5, 77)
    return path


def test_a_journal_read_again_holds_the_same_trials(written):
    with TrialLog(written) as trial_log:
        assert [trial.number for trial in trial_log.ended] == [1]
        assert [trial.number for trial in trial_log.interrupted] == [2]
        assert trial_log.trials[1].losses == {1: 0.5, 2: 0.25}
        assert trial_log.trials[1].seconds == 2.5
        assert trial_log.reports == [(1, 1, 0.5), (2, 1, 0.7), (1, 2, 0.25)]


@pytest.mark.parametrize("bytes_lost", [1, 7, 60])
def test_a_line_cut_by_a_kill_is_dropped_and_the_trial_counts_as_interrupted(written, bytes_lost):
    content = written.read_bytes()
    written.write_bytes(content[:-bytes_lost])
    with TrialLog(written) as trial_log:
        assert trial_log.ended == []
        trial_log.end(1, FINISHED, "", 2.5, 77)
    with TrialLog(written) as trial_log:
        assert [trial.number for trial in trial_log.ended] == [1]


def test_an_epoch_reported_twice_is_written_once(written):
    with TrialLog(written) as trial_log:
        size = written.stat().st_size
        trial_log.report(2, 1, 0.7, 9.0)
        assert written.stat().st_size == size


def test_a_damaged_line_is_named(written):
    lines = written.read_text().splitlines()
    lines[2] = lines[2].replace('"epoch"', '"epock"')
    written.write_text("\n".join(lines) + "\n")
    with pytest.raises(UserError, match=r"trial_log\.jsonl:3: is no line of a search's trial log"):
        TrialLog(written)


def test_a_changed_number_is_named(written):
    written.write_text(written.read_text().replace("0.25", "0.15"))
    with pytest.raises(UserError, match=r"trial_log\.jsonl:5: .*changed or damaged"):
        TrialLog(written)


def test_a_folder_that_cannot_be_written_is_the_users_to_mend(tmp_path):
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(UserError, match="a file stands where a folder is needed"):
        TrialLog(tmp_path / "runs" / "digest" / "trial_log.jsonl")


def test_losses_are_of_the_weights_that_the_model_keeps(written):
    with TrialLog(written) as trial_log:
        trial_log.report(1, 3, 0.4, 3.0)
        assert trial_log.trials[1].val_loss("best") == 0.25
        assert trial_log.trials[1].val_loss("last") == 0.4


def test_a_journal_can_be_pickled_as_tune_does_with_all_it_is_given(written):
    with TrialLog(written) as trial_log:
        assert pickle.loads(pickle.dumps(trial_log)).trials == trial_log.trials
