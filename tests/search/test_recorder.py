"""What stands in the trial log when trials end for a reason that is not their own."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from bevatron.compute.process.flag import Flag
from bevatron.search.trial_log import FAILED, MEMORY, TrialLog
from bevatron.search.trials import Recorder

DEAD = "The actor is dead because its worker process has died. Worker exit type: SYSTEM_ERROR"
TIGHT = "Task was killed due to the node running low on memory."


class Trial(SimpleNamespace):
    """As Tune's, of the trial log's first or second trial."""

    def __init__(self, number: int, words: str = ""):
        super().__init__(
            trial_id=f"t{number}", config={"number": number}, status="RUNNING", words=words, last_result={}
        )

    def get_pickled_error(self):
        return self.words

    get_error = get_pickled_error


@pytest.fixture
def recorder(study_with_search, tmp_path):
    """A recorder of two trials; `lost` names the node that its cluster has lost."""
    model = study_with_search().models["net"]
    with TrialLog(tmp_path / "trial_log") as trial_log:
        for number in (1, 2):
            trial_log.start(number, {"training.learning_rate": 0.1, "training.momentum": 0, "architecture.widths": 0})
        session = SimpleNamespace(lost=None)
        session.lost_node = lambda: session.lost
        flag = Flag(tmp_path / "stop-requested", every=0.0)
        made = Recorder(model.search, model.training.checkpoint, trial_log, session, flag)
        yield SimpleNamespace(recorder=made, trial_log=trial_log, session=session, flag=flag)


def test_a_trial_whose_node_is_lost_is_interrupted_and_the_search_ends(recorder):
    recorder.session.lost = "node2"
    recorder.recorder.on_trial_error(0, [], Trial(1, DEAD))
    assert recorder.trial_log.ended == []
    assert "the Ray cluster has lost its node node2; run it again" in str(recorder.recorder.fault)


def test_a_trial_that_dies_as_the_batch_job_is_cancelled_is_interrupted(recorder):
    recorder.flag.set()
    recorder.recorder.on_trial_error(0, [], Trial(1, DEAD))
    assert recorder.trial_log.ended == []
    assert "asked to stop (SIGTERM)" in str(recorder.recorder.fault)


@pytest.mark.parametrize(("words", "status"), [(DEAD, FAILED), (TIGHT, MEMORY)])
def test_a_trial_that_dies_alone_has_failed_and_the_search_goes_on(recorder, words, status):
    recorder.recorder.on_trial_error(0, [], Trial(1, words))
    assert [(trial.number, trial.status) for trial in recorder.trial_log.ended] == [(1, status)]
    assert recorder.recorder.fault is None


def test_a_search_stop_requested_waits_until_each_running_trial_has_saved_its_state(recorder):
    recorder.flag.set()
    first, second = trials = [Trial(1), Trial(2)]
    saved = {"fault": [Path("trial-0001"), "saved its state", "run it again"]}
    recorder.recorder.on_trial_result(0, trials, first, saved)
    first.status = "TERMINATED"
    recorder.recorder.on_trial_complete(0, trials, first)
    assert recorder.recorder.fault is None
    recorder.recorder.on_trial_result(0, trials, second, saved)
    assert recorder.recorder.fault is not None
    assert recorder.trial_log.ended == []
