# The search's lines go to the terminal as well as to the log, for the address of Ray's dashboard is among them.
rule search:
    input:
        unsearched_model,
        manifest="results/{study}/dataset/manifest.json",
    output:
        best="results/{study}/search/{model}/best.yaml",
        trials="results/{study}/search/{model}/trials.csv",
        curves="results/{study}/search/{model}/search.json",
        plot=report(
            "results/{study}/search/{model}/search.png",
            caption="../report/search.rst",
            category="Searches",
            subcategory="{study}",
            labels={"study": "{study}", "model": "{model}"},
        ),
    log:
        "logs/search/{study}/{model}.log",
    benchmark:
        "results/benchmarks/search/{study}/{model}.tsv"
    priority: 1  # trainings wait for it, so it comes before those that do not
    conda:
        "../envs/bevatron.yaml"
    threads: threads_of("search")
    resources:
        **resources_of("search"),
    params:
        options=OPTIONS,
        settings=settings_of,
        folder=lambda w, output: Path(output.best).parent,
    shell:
        "exec bevatron search {wildcards.study:q} {wildcards.model:q} --manifest {input.manifest:q}"
        " {resources.machine} {params.options:q} --output {params.folder:q} --log {log:q}"
