"""Environment variables set for a while: the only place where Bevatron touches them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

# What every search asks of Ray: quiet, no telemetry, no second copy of results that our own trial log keeps.
RAY_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",  # at 15, Ray's default, every other process of the node comes first
    "RAY_gcs_rpc_server_reconnect_timeout_s": "20",  # a head that died does not come back, and all wait for it
    "AUTOSCALER_METRIC_PORT": "0",  # any free one: two clusters on one host would both want 44217 and 44227
    "DASHBOARD_METRIC_PORT": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",  # a process that was given no GPU sees none
    "RAY_AIR_NEW_OUTPUT": "0",  # the old output can be silenced, the new one prints tables all the same
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl-C is a KeyboardInterrupt here as everywhere
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_GLOBAL_CHECKPOINT_S": "86400",
    "TUNE_WARN_THRESHOLD_S": "30",
    # A stopped trial unwinds its fit before its process takes the next one; after 2 s, the default,
    # Tune would count the next trial as failed.
    "TUNE_FUNCTION_THREAD_TIMEOUT_S": "600",
}

# Besides, where Ray's processes are forks.
FORKED_RAY_SETTINGS = {
    "RAY_enable_pipe_based_agent_to_parent_health_check": "1",  # agents are no children of the raylet
    "RAY_prestart_worker_first_driver": "0",  # workers of Tune and Train have environments, so none would be used
}


@contextmanager
def environment(**changes: str | None) -> Iterator[None]:
    """Within it, these environment variables have these values; None is a variable that is not set."""
    before = {name: os.environ.get(name) for name in changes}
    _set(changes)
    try:
        yield
    finally:
        _set(before)


def _set(values: dict[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
