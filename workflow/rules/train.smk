# One job trains all seeds of a model: Python, torch and Lightning are started once. Live checkpoints lie in runs/, for
# outputs are removed before a job and after its failure; what is declared here is finished and checksummed.
rule train:
    input:
        unknown_model,
        unpack(best_of),
        unpack(members_of),
        manifest="results/{study}/dataset/manifest.json",
    output:
        runs="results/{study}/models/{model}/runs.json",
    log:
        "logs/train/{study}/{model}.log",
    benchmark:
        "results/benchmarks/train/{study}/{model}.tsv"
    conda:
        "../envs/bevatron.yaml"
    threads: threads_of("train", least=threads_of_training)
    resources:
        **resources_of("train"),
    params:
        options=OPTIONS,
        settings=settings_of,
        best=lambda w, input: [f"--best={input.best}"] if "best" in input.keys() else [],
        members=lambda w, input: [
            f"--member={name}={runs}" for name, runs in zip(members_named(w), input.get("members", []))
        ],
        folder=lambda w, output: Path(output.runs).parent,
    shell:
        "exec bevatron train {wildcards.study:q} {wildcards.model:q} --manifest {input.manifest:q} {params.best:q}"
        " {params.members:q}"
        " {resources.machine} {params.options:q} --output {params.folder:q} > {log:q} 2>&1"
