"""Commands first in PATH that answer as Slurm does, and note what they were asked."""

import json
import os
import sys
from pathlib import Path

SCRIPT = """#!{python}
import json, sys
from pathlib import Path
with open({asked!r}, "a") as file:
    file.write(json.dumps([{name!r}, *sys.argv[1:]]) + "\\n")
for words, code, text in json.loads({answers!r}):
    if all(any(word in argument for argument in sys.argv[1:]) for word in words):
        print(text, file=sys.stderr if code else sys.stdout)
        sys.exit(code)
sys.exit(0)
"""
CONFIG = "AccountingStorageType = accounting_storage/{storage}\nMinJobAge = {age} sec\nTaskPlugin = task/affinity\n"


class PretendedCommands:
    """A folder of commands. Each answers by the first of its answers whose words all stand in its arguments."""

    def __init__(self, folder: Path):
        self.folder, self._asked = folder / "bin", folder / "asked.jsonl"
        self.folder.mkdir(parents=True)

    def answers(self, name: str, *answers: tuple[list[str], int, str]) -> None:
        """Set the answers of a command: words, exit code, text (on standard error where the code is not 0)."""
        path = self.folder / name
        path.write_text(
            SCRIPT.format(python=sys.executable, asked=str(self._asked), name=name, answers=json.dumps(answers))
        )
        path.chmod(0o755)

    def asked(self, name: str) -> list[list[str]]:
        """The arguments of every call of a command."""
        lines = self._asked.read_text().splitlines() if self._asked.exists() else []
        return [call[1:] for call in map(json.loads, lines) if call[0] == name]

    @property
    def path(self) -> str:
        """PATH with these commands first."""
        return os.pathsep.join([str(self.folder), str(Path(sys.executable).parent), os.environ["PATH"]])


class PretendedSlurm(PretendedCommands):
    """A healthy Slurm with two partitions, `cpu` (the default; 4 nodes of 32 cores) and `gpu` (2 nodes of 4 GPUs)."""

    def __init__(self, folder: Path, storage: str = "slurmdbd", age: int = 300):
        super().__init__(folder)
        self.answers("sbatch", (["--version"], 0, "slurm 23.11.4"), ([], 1, "this Slurm takes no jobs"))
        self.answers("squeue")
        self.answers("scancel")
        self.answers("srun", ([], 1, "no job can be started"))
        self.answers("sacct", ([], 0, ""))
        self.answers("sacctmgr", ([], 0, "physics\nteaching"))
        self.answers("sshare")
        self.answers(
            "sinfo",
            (["%P"], 0, "cpu*\ngpu"),
            (["cpu", "%N"], 0, "\n".join(f"c{i}|32|128000|(null)|idle" for i in range(4)) + "\nc9|64|1000000||drained"),
            (["gpu", "%N"], 0, "g1|64|512000|gpu:a100:4(S:0-1)|mixed\ng2|64|512000|gpu:a100:4|idle"),
        )
        self.configured(storage, age)

    def configured(self, storage: str = "slurmdbd", age: int = 300, longest: str = "2-00:00:00") -> None:
        """Whether accounts are kept, how long ended jobs are remembered, and the longest time of a job."""
        self.answers(
            "scontrol",
            (["config"], 0, CONFIG.format(storage=storage, age=age)),
            (["ping"], 0, "Slurmctld(primary) at head is UP"),
            (["partition", "cpu"], 0, f"PartitionName=cpu MaxNodes=UNLIMITED MaxTime={longest} State=UP"),
            (["partition", "gpu"], 0, f"PartitionName=gpu MaxNodes=2 MaxTime={longest} State=UP"),
            ([], 1, "slurm_load_partitions error: Invalid partition name specified"),
        )
