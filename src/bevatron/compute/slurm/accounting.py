"""Whether Slurm keeps accounts of finished jobs, which decides by what command one asks how they stand."""

import shutil
import subprocess

SECONDS = 10


def keeps_accounts() -> bool:
    """True where Slurm has an accounting storage, as its own configuration says; False without Slurm too.

    Without one `sacct` exists all the same and only answers that accounting is disabled.
    """
    if shutil.which("sacct") is None or shutil.which("scontrol") is None:
        return False
    try:
        command = ["scontrol", "show", "config"]
        text = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return False
    lines = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    settings = {key.strip(): value.strip() for key, value in lines}
    return settings.get("AccountingStorageType", "") not in ("", "(null)", "accounting_storage/none")
