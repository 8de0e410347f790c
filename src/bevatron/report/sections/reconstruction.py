"""The report's figures and columns for reconstruction."""

from functools import partial

from bevatron.config.sections.task import Reconstruction
from bevatron.report.page.section import section
from bevatron.report.plots.reconstruction import Point, plot_quality, plot_reconstructions
from bevatron.report.plots.style import ReportFigure, draw_figure
from bevatron.report.results.study_results import ModelResults, StudyResults

KINDS = {
    "convolutional_autoencoder": "auto-encoder, convolutions",
    "principal_components": "principal components",
}
SHOWN = 6  # networks whose images are drawn, of a target


@section("reconstruction")
class ReconstructionSection:
    """Noisy, clean and reconstructed images, and quality against the dimension of the representation."""

    def loss(self, task: Reconstruction) -> str:
        """What the learning curves' axis is called."""
        return "mean squared error"

    def columns(self, task: Reconstruction, results: StudyResults) -> list[str]:
        """The metrics of the table that compares the models."""
        probed = any("probe" in m.metrics.metrics for m in results.models.values())
        return ["mse_over_noise", "psnr", "noise_copied", "explained", *(["probe"] if probed else [])]

    def data(self, task: Reconstruction, results: StudyResults) -> list[ReportFigure]:
        """Figures of the data, beside those of the observables."""
        return []

    def figures(self, task: Reconstruction, results: StudyResults) -> list[ReportFigure]:
        """Figures of what the models learned."""
        name, figures = results.study.name, []
        by_target: dict[str, list[ModelResults]] = {}
        for model in results.models.values():
            by_target.setdefault(model.curves["target"], []).append(model)
        for target, models in by_target.items():
            shown = {m.label: m.curves["examples"] for m in models[:SHOWN]}
            caption = (
                f"Target {target}: the first test images as the networks get them, without noise, and as the first "
                "networks give them back, on one scale of colours."
            )
            unit = next(iter(results.manifest.groups[models[0].model.inputs[0]].units), "")
            figures.append(
                draw_figure(partial(plot_reconstructions, shown, unit), f"{name}-{target}-images", caption, wide=True)
            )
        for metric, label, title in (
            (
                "mse_over_noise",
                "mean squared error / noise",
                "Noise left after reconstruction, as a fraction of the input's",
            ),
            ("probe", "mean R² of the true parameters", "How much of the true parameters a linear probe reads from h"),
        ):
            panels = {
                target: lines
                for target, models in by_target.items()
                if (lines := _metric_lines(task, results, models, metric))
            }
            if panels:
                levels = {t: _metric_levels(results, models, metric) for t, models in by_target.items()}
                caption = f"{title}, against the dimension of the representation h. Errors: bootstrap and seeds."
                draw = partial(plot_quality, panels, levels, label)
                figures.append(draw_figure(draw, f"{name}-{metric}", caption, wide=True))
        return figures


def _metric_lines(
    task: Reconstruction, results: StudyResults, models: list[ModelResults], metric: str
) -> dict[str, list[Point]]:
    """Points of models with latent dimensions, by architecture and target."""
    lines: dict[str, list[Point]] = {}
    for model in models:
        measured, latent = results.metric(model.name, metric), model.curves["latent"]
        if measured is None or latent is None:
            continue
        noisy = ", learned from noise" if (model.model.target or task.target) in task.truth else ""
        lines.setdefault(_kind(model) + noisy, []).append((latent, measured.value, measured.error))
    return lines


def _kind(model: ModelResults) -> str:
    """The architecture in words, so that networks of one form make one line."""
    architecture = model.model.architecture
    if architecture.kind != "autoencoder":
        return KINDS.get(architecture.kind, architecture.kind)
    if getattr(architecture, "activation", None) == "identity":
        return "auto-encoder, linear"
    return "auto-encoder, MLP" if getattr(architecture, "widths", []) else "auto-encoder, one hidden layer"


def _metric_levels(results: StudyResults, models: list[ModelResults], metric: str) -> dict[str, float]:
    """Values of models without latent dimensions, by their label."""
    levels = {}
    for model in models:
        measured = results.metric(model.name, metric)
        if measured is not None and model.curves["latent"] is None:
            levels[model.label] = measured.value
    return levels
