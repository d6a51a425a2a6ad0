from snakemake.utils import min_version

min_version("9.0")


# An experiment given with --configfile stands alone: Snakemake would merge it into config.yaml.
if not workflow.overwrite_configfiles:

    configfile: f"{workflow.basedir}/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/datasets.smk"
include: "workflow/rules/encoders.smk"
include: "workflow/rules/embeddings.smk"
include: "workflow/rules/retrieval.smk"
include: "workflow/rules/tasks.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/report.smk"


report: "workflow/report/workflow.rst"


localrules:
    all,
    tables,
    figures,


rule all:
    """Every table, figure and page of the report."""
    default_target: True
    input:
        expand("<results>/{file}", file=EXPERIMENT.table_files),
        expand("<results>/{file}", file=EXPERIMENT.figure_files),
        expand("<results>/pages/{table}.html", table=EXPERIMENT.tables),


rule tables:
    """Every table."""
    input:
        expand("<results>/{file}", file=EXPERIMENT.table_files),


rule figures:
    """Every figure."""
    input:
        expand("<results>/{file}", file=EXPERIMENT.figure_files),
