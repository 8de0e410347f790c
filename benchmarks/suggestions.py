"""What a suggestion costs as a search grows: Optuna and the trial log alone, 1,000 trials, no fit and no Ray cluster.

    python benchmarks/suggestions.py [--trials 1000]

CPU time of one process, by hundreds of trials: the search's driver does this work for all its trials, so it bounds how
many trials can end a second.
"""

import argparse
import tempfile
from pathlib import Path
from time import process_time


def main(trials: int = 1000) -> list[dict]:
    """Rows of name and CPU seconds a trial, for the first and the last hundred trials."""
    from search_overhead import study

    from bevatron.compute.process.flag import Flag
    from bevatron.search.suggest import Suggest
    from bevatron.search.trial_log import FINISHED, TrialLog

    search = study(trials).models["net"].search
    seconds = []
    with tempfile.TemporaryDirectory() as folder, TrialLog(Path(folder) / "trial_log.jsonl") as trial_log:
        flag = Flag(Path(folder) / "stop-requested")
        flag.lower()
        suggest = Suggest(search, "best", trial_log, flag)
        for number in range(1, trials + 1):
            before = process_time()
            values = suggest.suggest(str(number))["values"]
            for epoch in (1, 2):
                trial_log.report(number, epoch, float(values["training.learning_rate"]) / epoch, 0.1)
            trial_log.end(number, FINISHED, "", 0.1, 1)
            suggest.on_trial_complete(str(number), {"status": FINISHED})
            seconds.append(process_time() - before)
    rows = []
    for first in range(0, trials, 100):
        part = seconds[first : first + 100]
        rows.append({"name": f"trials {first + 1} to {first + len(part)}", "seconds": sum(part) / len(part)})
        print(f"{rows[-1]['name']}: {1000 * rows[-1]['seconds']:.2f} ms of CPU a trial")
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=1000)
    main(parser.parse_args().trials)
