"""requirements.lock for a CPU build of PyTorch: `python3 containers/cpu_lock.py TORCH_WHEEL > LOCK`.

The wheel's hash replaces those of torch, and the packages that only PyTorch's CUDA build needs are left out. Everything
else keeps its version and hashes. pip refuses the file if a package that is needed is missing from it.
"""

import hashlib
import re
import sys
from pathlib import Path

LOCK = Path(__file__).parents[1] / "requirements.lock"
ONLY_CUDA = ("nvidia-", "cuda-", "triton==")


def cpu_lock(lock: str, wheel: Path) -> str:
    """The text of the lock with torch from the wheel; ValueError if the wheel is of another version."""
    entries = re.split(r"^(?=[^\s#])", lock, flags=re.MULTILINE)
    (torch,) = (entry for entry in entries if entry.startswith("torch=="))
    requirement = torch.split()[0]
    if not wheel.name.startswith((requirement.replace("==", "-") + "+", requirement.replace("==", "-") + "-")):
        raise ValueError(f"{wheel}: not a wheel of {requirement}, which requirements.lock names")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    replaced = f"{requirement} \\\n    --hash=sha256:{digest}\n"
    kept = (entry for entry in entries if not entry.startswith(ONLY_CUDA))
    return "".join(replaced if entry == torch else entry for entry in kept)


if __name__ == "__main__":
    try:
        sys.stdout.write(cpu_lock(LOCK.read_text(), Path(sys.argv[1])))
    except (ValueError, OSError) as error:
        sys.exit(str(error))
