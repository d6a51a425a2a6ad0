SHOWN = [Path(table).stem for table in map(str, flatten(TABLES)) if table.endswith(".csv")]
PAGES = [RESULTS / f"pages/{table}.html" for table in SHOWN]


# A rule a table: Snakemake takes a caption's file from the rule, not from a wildcard.
for table in SHOWN:

    rule:
        name:
            f"show_{table}"
        input:
            table=RESULTS / f"tables/{table}.csv",
        output:
            page=report(
                RESULTS / f"pages/{table}.html",
                caption=f"../report/tables/{table}.rst",
                category="Tables",
                labels={"table": table.replace("_", " ")},
            ),
        log:
            RESULTS / f"logs/show_{table}.log",
        benchmark:
            RESULTS / f"benchmarks/show_{table}.tsv"
        localrule: True
        conda:
            environment("analysis")
        threads: 1
        resources:
            mem_mb=lambda wildcards, attempt: attempt * 2000,
            runtime=10,
        params:
            at=config["scores"]["at"],
            template=f"{workflow.basedir}/workflow/report/table.html",
        script:
            "../scripts/show_table.py"
