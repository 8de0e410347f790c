"""The ready studies in the form that a test can run, and all their stages in one process."""

from pathlib import Path

from bevatron.config.loading.load import load_study
from bevatron.config.loading.whole_dataset import needs_totals
from bevatron.config.sections.dataset import SplitFractions
from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import Workflow
from bevatron.evaluate.observables import measure_observables
from bevatron.evaluate.stage import evaluate_model
from bevatron.prepare.stage import prepare_shard, write_manifest
from bevatron.prepare.totals import write_totals
from bevatron.report.stage import write_study_page
from bevatron.simulate.stage import simulate_shard
from bevatron.store.files.names import raw_shard
from bevatron.train.stage import train_model

STUDIES = Path(__file__).parents[2] / "config" / "studies"
MODELS = {  # the one that each is run with: together they are of every architecture that the studies have
    "jetclass": "pfn", "top_tagging": "transformer", "quark_gluon": "pfn_id", "higgs": "deep_all", "higgsml": "trees",
    "atlas_flavour": "lstm", "salt_tutorial": "auxiliary", "microboone": "trees", "galaxy10": "cnn",
}  # fmt: skip


SMALL = {  # settings that files of the published sizes need, for files of some hundred samples
    "higgs": {"splits": {"train": "entry < 240", "val": "240 <= entry < 300", "test": "entry >= 300"}},
    "galaxy10": {"selection": None, "sha256": {}},
}


def demo(name: str) -> Study:
    """The study at demo scale, with one model and a short training; claims about others are left out."""
    study = load_study(name, "demo", STUDIES)
    is_network = study.models[MODELS[name]].architecture.kind != "boosted_trees"
    fit = {"training.epochs": 15, "training.batch_size": 50, "training.learning_rate": 0.01} if is_network else {}
    models = {MODELS[name]: study.models[MODELS[name]].with_values(fit)}
    claims = [claim for claim in study.claims if all(r.model in (None, *models) for r in claim.test.references())]
    evaluation = study.evaluation.model_copy(update={"bootstrap": 10})
    changes = {"models": models, "grids": {}, "claims": claims, "n_seeds": 1, "evaluation": evaluation}
    if name == "galaxy10":
        split = SplitFractions(train=0.5, val=0.25, test=0.25)
        changes |= {"dataset": study.dataset.model_copy(update={"split": split})}
    source = study.simulation.source.model_copy(update=SMALL.get(name, {}))
    changes |= {"simulation": study.simulation.model_copy(update={"source": source})}
    return study.model_copy(update=changes)


def run(study: Study, folder: Path) -> None:
    """All stages, in this process."""
    results = folder / "results" / study.name
    shards = [results / "raw" / raw_shard(k) for k in range(study.simulation.shards)]
    for k, raw in enumerate(shards):
        simulate_shard(study, k, raw)
    totals = results / "totals.json" if needs_totals(study) else None
    if totals is not None:
        write_totals(study, results / "raw", totals)
    for raw in shards:
        prepare_shard(study, raw, results / "dataset", totals)
    write_manifest(study, results / "dataset")
    manifest = results / "dataset" / "manifest.json"
    workflow = Workflow(studies=[study.name], runs_dir=str(folder / "runs"), accelerator="cpu")
    measure_observables(study, manifest, results / "evaluation" / "data.json")
    for model in study.models:
        models = results / "models" / model
        train_model(study, workflow, model, manifest, None, models)
        evaluate_model(study, workflow, model, manifest, models / "runs.json", results / "evaluation" / model)
    write_study_page(study, "demo", folder / "results", folder / "results" / "report" / study.name)
