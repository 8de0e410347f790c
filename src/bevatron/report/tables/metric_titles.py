"""Metrics' names in words."""

import re

_TITLES = (
    (r"accuracy", "accuracy"),
    (r"recall\.(.+)", r"recall of \1"),
    (r"class_accuracy\.(\w+)", r"fraction of \1 recognised"),
    (r"log_loss", "cross entropy"),
    (r"ece", "calibration error"),
    (r"auc\.(\w+)_vs_(\w+)", r"AUC \1 / \2"),
    (r"rejection\.(\w+)\.at_([\d.]+)", r"\1 rejection at \2 %"),
    (r"rejection\.(\w+)\.at_([\d.]+)\.by_(\w+)", r"\1 rejection at \2 % by \3"),
    (r"attacked_clean_error", "error on the samples attacked, clean"),
    (r"fgsm_error\.at_([\d.]+)", r"error under FGSM, ε = \1"),
    (r"pgd_error\.at_([\d.]+)", r"error under PGD, ε = \1"),
    (r"random_error\.at_([\d.]+)", r"error under random signs, ε = \1"),
    (r"flipped\.at_([\d.]+)", r"recognised samples that FGSM flips, ε = \1"),
    (r"random_flipped\.at_([\d.]+)", r"recognised samples that random signs flip, ε = \1"),
    (r"lbfgs_found", "recognised samples that L-BFGS changes to another class"),
    (r"lbfgs_near", "recognised samples with an adversarial one nearby (L-BFGS)"),
    (r"lbfgs_distortion", "distortion that L-BFGS needs"),
    (r"fgsm_distortion", "distortion that FGSM needs"),
    (r"distortion_ratio", "distortion that FGSM needs / L-BFGS needs"),
    (r"attack_gain\.at_([\d.]+)", r"margin moved by FGSM / by random signs, ε = \1"),
    (r"orientation_selectivity\.(lines|edges)", r"filters' selectivity for the orientation of \1"),
    (r"initial_selectivity\.(lines|edges)", r"selectivity of the filters before the training for \1"),
    (r"random_selectivity\.(lines|edges)", r"selectivity of random filters for \1"),
    (r"angle_to_fisher", "angle to Fisher's direction [°]"),
    (r"weight_norm", "length of the weights"),
    (r"loss_spread", "spread of the validation loss / its mean, second half"),
    (r"corrected", "fraction corrected in the last epoch"),
    (r"overtraining", "validation loss / training loss"),
    (r"val_loss\.at_(\d+)", r"validation loss after \1 epochs"),
    (r"gradient_error", "back-propagation against finite differences"),
    (r"summed_gradient_error", "gradient of a batch against the sum of its samples'"),
    (r"map", "mean average precision"),
    (r"map([\d.]+)", r"mean average precision at IoU \1 %"),
    (r"ap([\d.]+)\.(\w+)", r"average precision of \2 at IoU \1 %"),
    (r"recall([\d.]+)", r"recall at IoU \1 %"),
    (r"iou", "IoU of the best box"),
    (r"mean_iou", "mean IoU"),
    (r"iou\.(.+)", r"IoU of \1"),
    (r"balanced_accuracy\.(\w+)_vs_(\w+)", r"balanced accuracy, \1 against \2"),
    (r"dense_cost", "multiplications, all pixels / charged ones"),
    (r"psnr", "peak signal to noise [dB]"),
    (r"mse_over_noise", "mean squared error / noise"),
    (r"noise_copied", "fraction of the noise that is copied"),
    (r"explained", "fraction of the variance given back"),
    (r"latent_rank", "rank correlation of h with the truth"),
    (r"latent_agreement", "fraction of the variance of h between events"),
    (r"latent_peak", "AUC of signal by h"),
    (r"component_peak", "AUC of signal by the best single input"),
    (r"truth_peak", "AUC of signal by the truth"),
    (r"probe", "mean R² of the true parameters, read from h"),
    (r"probe\.(\d+)", r"R² of parameter \1, read from h"),
    (r"frechet_distance", "Fréchet distance"),
    (r"frechet_distance\.(first|early)", r"Fréchet distance, \1"),
    (r"frechet_distance\.extrapolated", "Fréchet distance, extrapolated to infinite samples"),
    (r"frechet_distance\.of_first", "Fréchet distance, last / first"),
    (r"frechet_distance\.lost", "Fréchet distance, last / best - 1"),
    (r"classifier_loss\.lost", "cross entropy of a classifier, last / best - 1"),
    (r"spotted", "fraction that an observer tells right"),
    (r"frechet_distance_of_data", "Fréchet distance of training images"),
    (r"reference_accuracy", "accuracy of the reference classifier"),
    (r"d_accuracy", "fraction that D tells right"),
    (r"saddle_point", "V = E ln D(x) + E ln(1 - D(G(z)))"),
    (r"memorisation", "distance to training images / that of test images"),
    (r"diversity", "diversity / that of test images"),
    (r"precision", "precision: generated images among real ones"),
    (r"recall", "recall: real images among generated ones"),
    (r"spacing", "distance to the nearest other image / that of test images"),
    (r"collapsed", "fraction of trainings that collapsed"),
    (r"classes_made", "fraction of classes made"),
    (r"coverage_([12])sigma", r"fraction within \1 σ"),
    (r"coverage_([12])sigma\.(.+)", r"fraction within \1 σ of \2"),
    (r"average_precision", "mean average precision of the labels"),
    (r"average_precision\.(.+)", r"average precision of \1"),
    (r"log_loss\.(.+)", r"cross entropy of \1"),
    (r"ece\.(.+)", r"calibration error of \1"),
    (r"accuracy\.(.+)", r"accuracy of \1"),
    (r"precision\.(.+)", r"precision of \1"),
    (r"auc\.(.+)", r"AUC of \1"),
    (r"subset_accuracy", "fraction with all labels right"),
    (r"hamming_loss", "fraction of wrong labels"),
    (r"mean\.(\w+)", r"mean (\1)"),
    (r"median\.(\w+)", r"median (\1)"),
    (r"mean", "mean"),
    (r"median", "median"),
)
_OF_NUMBERS = {  # also of one of several numbers: `rmse.energy`
    "mse": "mean squared error",
    "rmse": "RMS residual",
    "r2": "R²",
    "residual_mean": "mean residual",
    "residual_std": "residuals' standard deviation",
    "noise": "RMS noise",
    "rmse_over_noise": "RMS residual / noise",
    "deviation": "RMS deviation from truth",
    "relative_deviation": "deviation from truth / spread of truth",
    "nll": "-ln likelihood",
    "pull_mean": "mean of the pulls",
    "pull_width": "width of the pulls",
    "mean_width": "mean predicted width",
    "brier": "Brier score",
    "mae": "mean |residual|",
}


_OF_AUXILIARY = (  # behind the name of an auxiliary task, where no other words are known
    (r"accuracy", "accuracy of elements"),
    (r"class_accuracy\.(.+)", r"fraction of elements \1 recognised"),
    (r"purity\.(.+)", r"purity of \1"),
    (r"auc\.(.+)_vs_rest", r"AUC \1 / rest"),
    (r"efficiency", "efficiency of vertices"),
    (r"efficiency\.(.+)", r"efficiency of vertices, \1"),
    (r"purity", "purity of vertices"),
    (r"fake_rate", "fake rate of vertices"),
    (r"fake_rate\.(.+)", r"fake rate of vertices, \1"),
    (r"pair_auc", "AUC of pairs"),
)


def title_of_auxiliary(metric: str) -> str:
    """The name in words of an auxiliary task's metric, `<task>.<metric>`: 'track origin: accuracy of elements'."""
    task, _, name = metric.partition(".")
    matches = (re.fullmatch(pattern, name) for pattern, _ in _OF_AUXILIARY)
    words = [match.expand(title) for match, (_, title) in zip(matches, _OF_AUXILIARY, strict=True) if match]
    return f"{task.replace('_', ' ')}: {words[0] if words else title_of(name)}"


def title_of(metric: str) -> str:
    """A metric's name in words; its name where no words are known."""
    for pattern, title in _TITLES:
        match = re.fullmatch(pattern, metric)
        if match:
            return match.expand(title)
    base, _, part = metric.partition(".")
    if base in _OF_NUMBERS:
        return _OF_NUMBERS[base] + (f" of {part}" if part else "")
    return metric
