"""Snakemake with a Slurm plugin that looks at its jobs every two seconds.

The plugin looks more and more rarely as long as nothing ends, up to every three minutes, which spares a real
controller. The jobs of these tests last seconds; nothing but the length of the pauses is changed.
"""

import sys

from snakemake.cli import main
from snakemake_executor_plugin_slurm import Executor

Executor.next_seconds_between_status_checks = property(lambda self: 2, lambda self, seconds: None)

if __name__ == "__main__":
    sys.exit(main())
