from snakemake.utils import min_version

min_version("9.0")


# An experiment given with --configfile stands alone: Snakemake would merge it into config.yaml.
if not workflow.overwrite_configfiles:

    configfile: f"{workflow.basedir}/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/embed.smk"
include: "workflow/rules/search.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/analyse.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/pages.smk"


report: "workflow/report/workflow.rst"


localrules:
    all,
    tables,
    figures,


rule all:
    default_target: True
    input:
        TABLES,
        FIGURES,
        PAGES,


rule tables:
    input:
        TABLES,


rule figures:
    input:
        FIGURES,
