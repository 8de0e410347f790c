"""The validation loss after given epochs, read off the course of each seed's fit."""

import pytest
from run_records import run_record

from bevatron.errors import UserError
from bevatron.evaluate.inspection.validation_losses import measure_validation_losses
from bevatron.store.files.publish import sha256_of


def runs_of(folder, losses):
    """A seed for each list of validation losses, validated at the epochs 2, 4, ..."""
    runs = []
    for seed, of_seed in enumerate(losses):
        path = folder / f"seed-{seed}" / "history.csv"
        path.parent.mkdir(parents=True)
        rows = [f"{2 * (k + 1)},1.0,{loss}" for k, loss in enumerate(of_seed)]
        path.write_text("\n".join(["epoch,train_loss,val_loss", *rows]) + "\n")
        runs.append(run_record(seed, files={"history.csv": sha256_of(path)}, best_epoch=2, epochs=2 * len(of_seed)))
    return tuple(runs)


def test_mean_and_spread_of_the_seeds_at_the_epochs_asked_for(tmp_path):
    runs = runs_of(tmp_path, [[0.5, 0.3], [0.7, 0.3]])
    found = measure_validation_losses([2, 4], [(runs, tmp_path)], 40)
    assert found["val_loss.at_2"].value == pytest.approx(0.6)
    assert found["val_loss.at_2"].per_seed == (0.5, 0.7)
    assert found["val_loss.at_2"].error == pytest.approx(0.1)  # 0.1 √2 over √2: the seeds' alone
    assert found["val_loss.at_4"].value == pytest.approx(0.3)
    assert len(found["val_loss.at_4"].replicas) == 40


def test_no_metric_of_an_epoch_that_some_run_has_not_validated(tmp_path):
    runs = runs_of(tmp_path, [[0.5, 0.3], [0.7]])
    assert set(measure_validation_losses([2, 3, 4], [(runs, tmp_path)], 40)) == {"val_loss.at_2"}
    closed_form = (runs[0].model_copy(update={"files": {}}),)
    assert measure_validation_losses([2], [(closed_form, tmp_path)], 40) == {}


def test_of_a_cross_validation_each_seed_has_the_mean_over_the_folds(tmp_path):
    folds = [(runs_of(tmp_path / name, losses), tmp_path / name) for name, losses in
             (("a", [[0.5], [0.7]]), ("b", [[0.1], [0.3]]))]  # fmt: skip
    found = measure_validation_losses([2], folds, 40)["val_loss.at_2"]
    assert found.per_seed == pytest.approx((0.3, 0.5))
    assert found.per_fold == pytest.approx((0.6, 0.2))


def test_a_changed_history_is_refused(tmp_path):
    runs = runs_of(tmp_path, [[0.5]])
    (tmp_path / "seed-0" / "history.csv").write_text("epoch,train_loss,val_loss\n2,1,0.1\n")
    with pytest.raises(UserError, match="SHA-256"):
        measure_validation_losses([2], [(runs, tmp_path)], 40)
