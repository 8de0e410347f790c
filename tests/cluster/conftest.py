"""A real Slurm for the tests marked `cluster`, started once; elsewhere they skip with the reason."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from checkout import Checkout
from stories import STORIES, TRIALS, Ending, World
from virtual_slurm import VirtualSlurm, missing

# A training outlasts the minute of a job in which it starts after 5 to 20 s, and the first two trials of a search whose
# processes start beside it.
FIT_SECONDS, TRIAL_SECONDS = 70, 3
LEAST_ROUNDS = 75, 5  # where a busy machine has made the measured speed too small
ROUND = 20  # epochs between validations; a fit has whole rounds
SIDE_BY_SIDE = 2  # stories at a time: two cores are enough for the tests


@pytest.fixture(scope="session")
def slurm(tmp_path_factory):
    """Controller and three virtual nodes."""
    reason = missing()
    if reason is not None:
        pytest.skip(reason)
    with VirtualSlurm(tmp_path_factory.mktemp("slurm") / "s") as slurm:
        yield slurm


@pytest.fixture(scope="session")
def by_hand(curve):
    """Runs `bevatron train` in a folder, without Slurm; gives its runs.json."""

    def train(folder: Path, model: str) -> Path:
        command = [sys.executable, "-m", "bevatron.cli", "train", "curve", model, "--manifest", str(curve.manifest)]
        done = subprocess.run([*command, "--output", "out"], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return folder / "out" / "runs.json"

    return train


@pytest.fixture(scope="session")
def world(slurm, curve, by_hand, tmp_path_factory) -> World:
    """A study whose fit is long enough to be hit, on this machine, and its dataset."""
    root = tmp_path_factory.mktemp("stories")
    study = json.loads(curve.study.model_dump_json()) | {"n_seeds": 1}
    trained = Checkout(root / "speed", slurm, {}, {}, with_epochs(study, 10 * ROUND, ROUND))
    run = json.loads(by_hand(trained.folder, "net").read_text())["runs"][0]
    rounds_a_second = run["epochs"] / run["seconds"] / ROUND
    lengths = zip((FIT_SECONDS, TRIAL_SECONDS), LEAST_ROUNDS, strict=True)
    epochs, trial_epochs = (max(least, int(rounds_a_second * seconds)) * ROUND for seconds, least in lengths)
    return World(slurm, root, with_epochs(study, epochs, trial_epochs), curve.folder)


def with_epochs(study: dict, epochs: int, trial_epochs: int) -> dict:
    net = study["models"]["net"]
    training = net["training"] | {
        "epochs": epochs, "validate_every": ROUND, "batch_size": 50, "checkpoint_seconds": 1.0,
    }  # fmt: skip
    net = net | {"training": training}
    space = {"training.learning_rate": {"kind": "log_uniform", "low": 0.001, "high": 0.1}}
    search = {"space": space, "trials": TRIALS, "epochs": trial_epochs, "grace_period": trial_epochs}
    small = net | {"training": training | {"epochs": trial_epochs}}
    return study | {"models": {"net": net, "small": small, "searched": net | {"search": search}}}


@pytest.fixture(scope="session")
def stories(request, world, by_hand):
    """The stories that the selected tests ask for, and what they are compared with, side by side."""
    wanted = {name for item in request.session.items for name in item.fixturenames}

    def train_undisturbed(world: World) -> Path:
        place = Checkout(world.root / "undisturbed", world.slurm, {}, {}, world.study)
        return by_hand(place.folder, "net")

    stories = {**STORIES, "undisturbed": train_undisturbed}
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        futures = {name: pool.submit(story, world) for name, story in stories.items() if name in wanted}
        yield {name: future.result for name, future in futures.items()}


@pytest.fixture(scope="session")
def undisturbed(stories) -> Path:
    """runs.json of the same training without Slurm and without mishaps."""
    return stories["undisturbed"]()


@pytest.fixture(scope="session")
def cancelled(stories) -> Ending:
    return stories["cancelled"]()


@pytest.fixture(scope="session")
def node_failure(stories) -> Ending:
    return stories["node_failure"]()


@pytest.fixture(scope="session")
def time_limit(stories) -> Ending:
    return stories["time_limit"]()


@pytest.fixture(scope="session")
def out_of_memory(stories) -> Ending:
    return stories["out_of_memory"]()
