# The weights of the encoders, where they have to be fetched: resources/weights/, shared by all experiments.
rule weights:
    """Fetch every file that the experiment's models need, without running anything else."""
    input:
        expand("<weights>/{file}", file=EXPERIMENT.published_files),
    localrule: True


# Only missing files get a rule. Snakemake therefore never downloads or deletes a file that exists, whether it was
# downloaded or placed there by hand.
rule fetch_weights:
    """Fetch a file of a model from where it is published, and check it.

    An interrupted download goes on where it was. Runs on the machine where Snakemake was started.
    """
    output:
        "<weights>/{file}",
    log:
        "<logs>/fetch_weights/{file}.log",
    wildcard_constraints:
        file=EXPERIMENT.missing_files_pattern(Path(config["weights"])),
    localrule: True
    conda:
        f"{ENVS}/embed.yaml"
    params:
        source=lambda wildcards: EXPERIMENT.published_files[wildcards.file],
    script:
        "../scripts/fetch_weights.py"
