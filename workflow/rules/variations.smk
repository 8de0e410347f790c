# Systematic variations, of the studies that have any: the same commands, for the test events alone. The file is read only
# where a study has variations.


wildcard_constraints:
    variation="|".join(sorted({name for study in VARIED.values() for name in study.variations})),


use rule simulate as simulate_variation with:
    input:
        with_signature(unknown_variation),
        with_signature(lambda w: files_of_variation(w) if not unknown_variation(w) else []),
    output:
        shard="results/{study}/variations/{variation}/raw/shard-{shard}.h5",
        timing="results/{study}/variations/{variation}/raw/shard-{shard}.timing.json",
    log:
        "logs/simulate/{study}/{variation}/shard-{shard}.log",
    benchmark:
        "results/benchmarks/simulate/{study}/{variation}/shard-{shard}.tsv"
    params:
        options=with_signature(options_of_variation),
        digest=with_signature(lambda w: variation_of(w).raw_with_files),


# A variation is prepared with the sums over the nominal raw shards.
use rule prepare as prepare_variation with:
    input:
        unpack(with_signature(totals_of)),
        raw="results/{study}/variations/{variation}/raw/shard-{shard}.h5",
    output:
        "results/{study}/variations/{variation}/dataset/test-{shard}.h5",
    log:
        "logs/prepare/{study}/{variation}/shard-{shard}.log",
    benchmark:
        "results/benchmarks/prepare/{study}/{variation}/shard-{shard}.tsv"
    params:
        options=with_signature(options_of_variation),
        digest=with_signature(lambda w: variation_of(w).dataset),
        folder=with_signature(lambda w, output: Path(output[0]).parent),
        totals=with_signature(lambda w: [f"--totals={path}" for path in totals_of(w).values()]),


use rule manifest as manifest_variation with:
    input:
        unknown_variation,
        lambda w: expand(
            "results/{study}/variations/{variation}/dataset/test-{shard}.h5",
            study=w.study,
            variation=w.variation,
            shard=[] if unknown_variation(w) else [shard_number(number) for number in range(variation_of(w).shards)],
        ),
    output:
        "results/{study}/variations/{variation}/dataset/manifest.json",
    log:
        "logs/manifest/{study}/{variation}.log",
    benchmark:
        "results/benchmarks/manifest/{study}/{variation}.tsv"
    params:
        options=options_of_variation,
        digest=lambda w: variation_of(w).dataset,
        folder=lambda w, output: Path(output[0]).parent,


use rule evaluate as evaluate_variation with:
    input:
        unknown_variation,
        unknown_model,
        nominal="results/{study}/dataset/manifest.json",
        manifest="results/{study}/variations/{variation}/dataset/manifest.json",
        runs="results/{study}/models/{model}/runs.json",
    output:
        predictions="results/{study}/variations/{variation}/evaluation/{model}/predictions.h5",
        metrics="results/{study}/variations/{variation}/evaluation/{model}/metrics.json",
    log:
        "logs/evaluate/{study}/{variation}/{model}.log",
    benchmark:
        "results/benchmarks/evaluate/{study}/{variation}/{model}.tsv"
    params:
        options=lambda w, input: [*options_of_variation(w), f"--nominal={input.nominal}"],
        evaluation=lambda w: STUDIES[w.study].evaluation,
        folder=lambda w, output: Path(output.metrics).parent,
