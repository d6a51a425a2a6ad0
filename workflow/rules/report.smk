# What a reader sees: tables/, pages/ and figures/ in the results, one rule per entry of contents.yaml in
# workflow/report. Snakemake takes the file of a caption from the rule, so a wildcard would not do.
for table in EXPERIMENT.tables.values():
    if table.sources:

        rule:
            name:
                f"gather_{table.name}"
            # puts the rows of all datasets, models and cells together in one tidy table
            input:
                expand("<results>/{source}", source=table.sources),
            output:
                table=f"<results>/tables/{table.name}.csv",
            log:
                f"<logs>/gather/{table.name}.log",
            conda:
                f"{ENVS}/analysis.yaml"
            params:
                sort_by=table.sort_by,
            script:
                "../scripts/gather_table.py"

    if table.main:

        rule:
            name:
                f"tabulate_{table.name}"
            # makes a table for print, as CSV, Markdown and LaTeX
            input:
                tidy=f"<results>/tables/{table.main}.csv",
            output:
                csv=f"<results>/tables/{table.name}.csv",
                markdown=f"<results>/tables/{table.name}.md",
                latex=f"<results>/tables/{table.name}.tex",
                notes=f"<results>/notes/{table.name}.txt",
            log:
                f"<logs>/tabulate/{table.name}.log",
            conda:
                f"{ENVS}/analysis.yaml"
            params:
                table=table.name,
                models=EXPERIMENT.models,
                at=config["scores"]["at"],
                raw_pixels=EXPERIMENT.raw_pixels,
                controls=[model for model, family in EXPERIMENT.families.items() if family == "control"],
            script:
                "../scripts/tabulate_main.py"

    rule:
        name:
            f"show_{table.name}"
        # makes a page of the report that can be searched and sorted
        input:
            table=f"<results>/tables/{table.name}.csv",
            notes=f"<results>/notes/{table.name}.txt" if table.main else [],
        output:
            page=report(
                f"<results>/pages/{table.name}.html",
                caption=f"../report/tables/{table.name}.rst",
                category="Tables",
                labels={"table": table.name.replace("_", " ")},
            ),
        log:
            f"<logs>/show/{table.name}.log",
        localrule: True
        conda:
            f"{ENVS}/analysis.yaml"
        params:
            at=config["scores"]["at"],
            template=f"{PROJECT}/workflow/report/table.html",
        script:
            "../scripts/show_table.py"


if "published" in EXPERIMENT.tables:

    rule compare_with_published:
        """Put the published figures of other studies beside the scores of the same datasets and models."""
        input:
            retrieval="<results>/tables/retrieval.csv",
            figures=sorted({f"{PROJECT}/workflow/published/{pair['study']}.csv" for pair in EXPERIMENT.published}),
        output:
            table="<results>/tables/published.csv",
        log:
            "<logs>/compare_with_published.log",
        conda:
            f"{ENVS}/analysis.yaml"
        params:
            pairs=EXPERIMENT.published,
        script:
            "../scripts/compare_with_published.py"


for figure in EXPERIMENT.figures.values():

    rule:
        name:
            f"draw_{figure.name}"
        # draws the figure of a dataset, or of a dataset and a model
        input:
            expand("<results>/{source}", source=figure.sources),
        output:
            pdf=f"<results>/{figure.path}.pdf",
            png=report(
                f"<results>/{figure.path}.png",
                caption=f"../report/{figure.name}.rst",
                category="Figures",
                subcategory="{dataset}",
                labels={"figure": figure.label, "dataset": "{dataset}"},
            ),
        log:
            f"<logs>/{figure.path}.log",
        conda:
            f"{ENVS}/analysis.yaml"
        params:
            figure=figure.name,
            index=figure.index,
            families=EXPERIMENT.families,
        script:
            "../scripts/draw_figure.py"
