"""How many odd inputs a test draws, and from which seed: few by default, more for a long run.

    ODD_INPUTS=2000 ODD_SEED=7 pytest tests/odd_inputs

draws 2,000 for each kind. What was found so far stands in benchmarks/FAULTS.md.
"""

import os
import random
from collections.abc import Iterator


def draws(kind: str, default: int) -> Iterator[tuple[int, random.Random]]:
    """Numbers from 0, each with a generator of its own: the same for the same kind, number and ODD_SEED."""
    seed = os.environ.get("ODD_SEED", "1")
    for number in range(int(os.environ.get("ODD_INPUTS", default))):
        yield number, random.Random(f"{kind} {seed} {number}")


def is_one_line(error: BaseException) -> bool:
    """Whether the message can stand in a terminal as one line."""
    text = str(error)
    return bool(text) and "\n" not in text and "\r" not in text and "\x1b" not in text
