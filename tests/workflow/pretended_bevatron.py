"""Stands for `bevatron` in PATH: makes the files that a rule expects, and waits if it is told to."""

import signal
import sys
import time
from pathlib import Path

WAIT = Path("wait")  # while this file exists, a training goes on


def option(name: str) -> Path:
    return Path(sys.argv[sys.argv.index(f"--{name}") + 1])


def saved(*_: object) -> None:
    time.sleep(0.5)
    print("saved", flush=True)
    sys.exit(2)


stage = sys.argv[1]
print("called", *sys.argv[1:], flush=True)
made: list[Path] = []
if stage == "simulate":
    made = [option("output"), option("output").with_suffix(".timing.json")]
elif stage == "prepare":
    number = option("raw").stem.removeprefix("shard-")
    made = [option("output") / f"{split}-{number}.h5" for split in ("train", "val", "test")]
elif stage == "manifest":
    made = [option("dataset") / "manifest.json"]
elif stage == "observables":
    made = [option("output")]
elif stage == "search":
    made = [option("output") / name for name in ("best.yaml", "trials.csv", "search.json", "search.png")]
    made.append(option("log"))
elif stage == "train":
    signal.signal(signal.SIGTERM, saved)
    print("trains", flush=True)
    while WAIT.exists():
        time.sleep(0.05)
    made = [option("output") / "runs.json"]
elif stage == "evaluate":
    made = [option("output") / name for name in ("predictions.h5", "metrics.json")]
elif stage == "report-study":
    made = [option("output") / name for name in ("index.html", "explore.html", "claims.json", "provenance.json")]
elif stage == "report":
    made = [option("output") / name for name in ("index.html", "tables/claims.csv", "plotly.min.js", "provenance.json")]
    lessons = ["index", *(path.stem for path in Path("config/course").glob("*.md"))]
    made += [option("output") / "course" / f"{name}.html" for name in lessons]
for path in made:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(stage)
