"""The loggers of a fit: Lightning's own, none of which can end or delay a training."""

import hashlib
import logging
import queue
import threading
import time
from argparse import Namespace
from collections.abc import Callable
from importlib import import_module
from typing import Any

from pytorch_lightning.loggers.logger import Logger

from bevatron.config.sections.loggers import CometLog, LoggerSection, MLflowLog, TensorBoardLog, WandbLog
from bevatron.errors import in_one_line
from bevatron.training.job import FitJob

log = logging.getLogger("bevatron")
END_SECONDS = 30.0  # how long a fit waits at its end until a server has everything
MESSAGE_LENGTH = 200


def make_loggers(job: FitJob, purge_step: int | None) -> list[Logger]:
    """The loggers that the job asks for.

    purge_step: of a continued fit, its first step: events of TensorBoard from there on belong to a life that was
    killed, and are forgotten. The others continue the run or experiment of the fit's folder by its name or a tag, where
    the rows that come again have the values that are there.
    """
    return [_make(section, job, purge_step) for section in job.loggers]


def _make(section: LoggerSection, job: FitJob, purge_step: int | None) -> Logger:
    if isinstance(section, TensorBoardLog):
        return GuardedLogger(section.kind, lambda: _tensorboard(job, purge_step))
    make = {"mlflow": _mlflow, "wandb": _wandb, "comet": _comet}[section.kind]
    return BackgroundLogger(section.kind, lambda: make(section, job))


def _tensorboard(job: FitJob, purge_step: int | None) -> Logger:
    from pytorch_lightning.loggers import TensorBoardLogger

    purge: dict[str, Any] = {} if purge_step is None else {"purge_step": purge_step}
    return TensorBoardLogger(job.folder, name="", version="tensorboard", **purge)


def _mlflow(section: MLflowLog, job: FitJob) -> Logger:
    from pytorch_lightning.loggers import MLFlowLogger

    mlflow: Any = import_module("mlflow")  # an optional package
    uri, name = section.tracking_uri or mlflow.get_tracking_uri(), section.experiment or job.study.name
    client = mlflow.MlflowClient(uri)
    experiment = client.get_experiment_by_name(name)
    runs = [] if experiment is None else client.search_runs(
        [experiment.experiment_id], f"tags.bevatron_run = '{job.folder.name}'", max_results=1
    )  # fmt: skip
    tags = {"bevatron_run": job.folder.name, "study": job.study.name, "model": job.name, "seed": str(job.seed)}
    run_id = runs[0].info.run_id if runs else None
    return _with_settings(MLFlowLogger(name, run_name=_run_name(job), tracking_uri=uri, tags=tags, run_id=run_id), job)


def _wandb(section: WandbLog, job: FitJob) -> Logger:
    from pytorch_lightning.loggers import WandbLogger

    wandb: Any = import_module("wandb")  # an optional package
    settings = wandb.Settings(console="off", silent=True, save_code=False, disable_git=True)
    logger = WandbLogger(
        name=_run_name(job),
        save_dir=job.folder,
        id=job.folder.name,
        offline=section.offline,
        project=section.project,
        entity=section.entity,
        group=job.study.name,
        settings=settings,
        reinit="create_new",  # a job fits several seeds, one after the other
    )
    return _with_settings(logger, job)


def _comet(section: CometLog, job: FitJob) -> Logger:
    from pytorch_lightning.loggers import CometLogger

    logging.getLogger("comet_ml").setLevel(logging.ERROR)  # its summaries are not for a workflow's log
    online: Any = int(not section.offline)  # Lightning 2.6.6 takes the object False for a disabled experiment
    logger = CometLogger(
        project=section.project,
        workspace=section.workspace,
        experiment_key=hashlib.sha256(job.folder.name.encode()).hexdigest()[:40],
        online=online,
        name=_run_name(job),
        log_code=False,
        offline_directory=str(job.folder / "comet"),
    )
    return _with_settings(logger, job)


def _run_name(job: FitJob) -> str:
    fold = "" if job.fold is None else f"fold-{job.fold}/"
    return f"{job.study.name}/{job.name or job.model.title}/{fold}seed-{job.seed}"


def _with_settings(logger: Logger, job: FitJob) -> Logger:
    settings = job.model.model_dump(mode="json", exclude={"search", "published"})
    logger.log_hyperparams({"study": job.study.name, "model": job.name, "seed": job.seed, **settings})
    return logger


class GuardedLogger(Logger):
    """A logger of Lightning's that says once in the log what went wrong, and is left alone from then on."""

    def __init__(self, kind: str, make: Callable[[], Logger]):
        super().__init__()
        self._kind, self._make = kind, make
        self._logger: Logger | None = None
        self._broken = False

    @property
    def name(self) -> str:
        """The kind of the logger."""
        return self._kind

    @property
    def version(self) -> str:
        """None of its own."""
        return ""

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Numbers of one validation."""
        self._call(lambda logger: logger.log_metrics(metrics, step=step))

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Lightning calls it with what a LightningModule has saved, which is nothing here."""

    def finalize(self, status: str) -> None:
        """The end of the fit, 'success' or 'failed'."""
        self._call(lambda logger: _close(logger, status), only_if_begun=True)

    def _call(self, action: Callable[[Logger], object], only_if_begun: bool = False) -> None:
        """Here; a logger that has nothing to log is not made at all."""
        self._act(action, only_if_begun)

    def _act(self, action: Callable[[Logger], object], only_if_begun: bool) -> None:
        if self._broken or (only_if_begun and self._logger is None):
            return
        try:
            if self._logger is None:
                self._logger = self._make()
            action(self._logger)
        except (Exception, SystemExit) as error:  # of a library or a server: whatever it is, the training goes on
            self._give_up(f"{type(error).__name__}: {error}")

    def _give_up(self, why: str) -> None:
        if not self._broken:
            self._broken = True
            text = in_one_line(why)[:MESSAGE_LENGTH]
            log.warning("the logger %s does not work (%s); the training goes on without it", self._kind, text)


class BackgroundLogger(GuardedLogger):
    """The same in a thread of its own: a server that is slow or away delays no step.

    The fit's end waits for what is still to be sent, but not longer than half a minute.
    """

    def __init__(self, kind: str, make: Callable[[], Logger]):
        super().__init__(kind, make)
        self._actions: queue.SimpleQueue[tuple[Callable[[Logger], object], bool] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def _call(self, action: Callable[[Logger], object], only_if_begun: bool = False) -> None:
        if self._thread is None:
            if only_if_begun:
                return
            self._thread = threading.Thread(target=self._work, name=f"bevatron-{self._kind}", daemon=True)
            self._thread.start()
        self._actions.put((action, only_if_begun))

    def _work(self) -> None:
        while (next_action := self._actions.get()) is not None:
            self._act(*next_action)

    def finalize(self, status: str) -> None:
        """The end of the fit."""
        super().finalize(status)
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._actions.put(None)
        start = time.monotonic()
        thread.join(END_SECONDS)
        if thread.is_alive():
            self._give_up(f"it has not ended {time.monotonic() - start:.0f} s after the fit")


def _close(logger: Logger, status: str) -> None:
    logger.finalize(status)
    experiment = getattr(logger, "experiment", None)
    end = getattr(experiment, "finish", None) or (getattr(experiment, "end", None))  # of W&B and of Comet
    if callable(end):
        end()
