"""One injection's place, inspector and outcome, and the operator's part: to run the same command again."""

import random
import shutil
from collections.abc import Collection
from pathlib import Path

from injection.inspection import Found, Inspector
from injection.outcome import Outcome
from injection.place import Command, Place, Reference
from injection.workflow import Job

TRIES = 3  # of the operator's, at the same command


class Scene:
    """What a kind of injection works with.

    `random` decides everything that is left to chance; `root` is the place's folder, which `place` copies into it from
    the undisturbed run.
    """

    def __init__(self, reference: Reference, inspector: Inspector, root: Path, outcome: Outcome, seed: str):
        self.reference, self.inspector, self.outcome = reference, inspector, outcome
        self.random = random.Random(seed)
        self.root = root
        self.place: Place = reference.copy(root)

    def look(self, when: str, yet_to_come: Collection[Job] = (), damaged: Collection[str] = ()) -> Found:
        """Have everything inspected, and the faults counted."""
        names = {str(path) for job in yet_to_come for path in job.published(self.reference.root)}
        found = self.inspector.look(self.root, names, damaged)
        self.outcome.take(found, when)
        return found

    def judge(self, command: Command, when: str, damaged: Collection[str] = (), in_words: bool = True) -> None:
        """A command has ended: with exit code 0 all must be whole; with another its message must say what to do.

        `in_words`: whether that is asked; the library that loses its cluster may end the process at once.
        """
        code = command.wait()
        self.outcome.exit_codes.append(code)
        if code == 0:
            if not self.look(when, damaged=damaged).whole:
                self.outcome.false_successes += 1
        elif in_words and (code != 2 or "Traceback" in command.text):
            self.outcome.crashes += 1
            self.outcome.note(f"{when}: exit code {code}: {command.text[-600:]}")

    def run_again(self, *todo: Job) -> None:
        """The operator runs the commands again, up to three times each; then all must be whole.

        Nothing is damaged any more, so a refusal is a false alarm. A process that outlived its Snakemake may be at work
        still, and is waited for.
        """
        for job in todo:
            for _ in range(TRIES):
                command = self.place.start(job)
                code = command.wait()
                self.outcome.exit_codes.append(code)
                if code == 0:
                    break
                self.outcome.false_alarms += 1
                self.outcome.note(f"run again: exit code {code}: {command.text[-600:]}")
            else:
                self.outcome.unmended += 1
        found = self.look("after the operator's action")
        self.outcome.leftovers += len(found.leftovers)
        if not found.whole and self.outcome.exit_codes[-1] == 0:
            self.outcome.false_successes += 1

    def leave(self) -> None:
        for folder in (self.root, self.place.logs):
            shutil.rmtree(folder, ignore_errors=True)
