from snakemake.utils import min_version

min_version("9.17.1")


include: "workflow/rules/project.smk"


# An experiment given with --configfile stands alone: Snakemake would merge it into config.yaml. A module has the one
# that its `config` gives.
if not workflow.overwrite_configfiles:

    configfile: f"{PROJECT}/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/datasets.smk"
include: "workflow/rules/encoders.smk"
include: "workflow/rules/embeddings.smk"
include: "workflow/rules/retrieval.smk"
include: "workflow/rules/tasks.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/report.smk"


report: "workflow/report/workflow.rst"


rule all:
    """Every table, figure and page of the report."""
    input:
        expand("<results>/{file}", file=EXPERIMENT.table_files),
        expand("<results>/{file}", file=EXPERIMENT.figure_files),
        expand("<results>/pages/{table}.html", table=EXPERIMENT.tables),
    localrule: True


rule tables:
    """Every table."""
    input:
        expand("<results>/{file}", file=EXPERIMENT.table_files),
    localrule: True


rule figures:
    """Every figure."""
    input:
        expand("<results>/{file}", file=EXPERIMENT.figure_files),
    localrule: True
