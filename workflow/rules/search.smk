# The search's lines go to the terminal as well as to the log, for the address of Ray's dashboard is among them.
rule search:
    input:
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
    conda:
        "../envs/bevatron.yaml"
    threads: 2
    resources:
        mem_mb=lambda w, attempt: 8000 * attempt,
        runtime=lambda w, attempt: 240 * attempt,
    params:
        options=OPTIONS,
        settings=settings_of,
        folder=lambda w, output: Path(output.best).parent,
    shell:
        "bevatron search {wildcards.study} {wildcards.model} --manifest {input.manifest} --cpus {threads}"
        " {params.options} --output {params.folder} 2>&1 | tee {log}"
