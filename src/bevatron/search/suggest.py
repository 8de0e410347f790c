"""What the next trial tries: Optuna's tree-structured Parzen estimator behind Tune's searcher interface."""

from typing import Any

import optuna
from optuna.trial import TrialState
from ray.tune.search import Searcher

from bevatron.compute.process.flag import Flag
from bevatron.config.loading.digest import seed_of
from bevatron.config.sections.search import Search
from bevatron.search.space import optuna_space, values_of
from bevatron.search.trial_log import DIVERGED, FAILED, FINISHED, MEMORY, STOPPED, Trial, TrialLog

STATES = {  # a failure says nothing of the values; divergence and lack of memory do: those rank last
    FINISHED: TrialState.COMPLETE,
    STOPPED: TrialState.PRUNED,
    DIVERGED: TrialState.PRUNED,
    MEMORY: TrialState.PRUNED,
}


class Suggest(Searcher):
    """First the interrupted trials of the trial log, then new ones.

    The sampler of trial k is seeded from (search seed, k), so that what it draws depends on that and on the
    trials known when it starts. The first ten draws depend on the seed alone; with one trial at a time all of
    them do, also across a kill; with several at a time later ones depend on which trial ended first, and so
    does whom ASHA stops.

    Tune's own OptunaSearch cannot do that: it counts a stopped trial as complete, and keeps its state in a
    pickle written now and then.
    """

    def __init__(self, search: Search, checkpoint: str, trial_log: TrialLog, stop_requested: Flag):
        super().__init__(metric="val_loss", mode="min")
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._search, self._checkpoint, self._trial_log = search, checkpoint, trial_log
        self._stop_requested = stop_requested
        self._space = optuna_space(search.space)
        self._study = optuna.create_study(direction="minimize")
        for trial in trial_log.ended:
            self._study.add_trial(self._freeze(trial))
        self._interrupted = trial_log.interrupted
        for trial in self._interrupted:
            self._study.enqueue_trial(trial.sampled)
        self._running: dict[str, tuple[int, optuna.Trial]] = {}

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        """The configuration of Tune's next trial: number, values, and losses reported before a kill.

        None, which is `not now`, once the search is asked to stop.
        """
        if self._stop_requested.is_set():
            return None
        interrupted = self._interrupted.pop(0) if self._interrupted else None
        number = interrupted.number if interrupted else len(self._trial_log.trials) + 1
        seed = seed_of("trial", self._search.seed, number) % 2**32
        self._study.sampler = optuna.samplers.TPESampler(seed=seed)
        optuna_trial = self._study.ask(fixed_distributions=self._space)
        self._running[trial_id] = (number, optuna_trial)
        if interrupted is None:
            self._trial_log.start(number, optuna_trial.params)
        trial = self._trial_log.trials[number]
        return {
            "number": number,
            "values": values_of(self._search.space, optuna_trial.params),
            "losses": list(trial.losses.items()),
            "seconds": trial.seconds,
        }

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Nothing to learn before a trial's end."""

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Tell Optuna how the trial ended: with a loss, without one, or stopped early at its epochs' losses."""
        number, optuna_trial = self._running.pop(trial_id)
        trial = self._trial_log.trials[number]
        ending = (result or {}).get("status", STOPPED)
        state = TrialState.FAIL if error else STATES.get(ending, TrialState.FAIL)
        if ending == STOPPED:
            for epoch, loss in trial.losses.items():
                optuna_trial.report(loss, round(epoch))
        self._study.tell(
            optuna_trial, trial.val_loss(self._checkpoint) if state == TrialState.COMPLETE else None, state
        )

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the trial log is the state."""

    def restore(self, checkpoint_path: str) -> None:
        """Raises NotImplementedError: a search continues from its trial log."""
        raise NotImplementedError("a search continues from its trial log")

    def _freeze(self, trial: Trial) -> optuna.trial.FrozenTrial:
        state = STATES.get(trial.status or FAILED, TrialState.FAIL)
        reported = {round(epoch): loss for epoch, loss in trial.losses.items()}
        return optuna.trial.create_trial(
            state=state,
            value=trial.val_loss(self._checkpoint) if state == TrialState.COMPLETE else None,
            params=trial.sampled,
            distributions=self._space,
            intermediate_values=reported if trial.status == STOPPED else None,
        )
