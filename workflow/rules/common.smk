import sys
from pathlib import Path

sys.path.insert(0, f"{workflow.basedir}/workflow/scripts")

from cbir.errors import InputError
from cbir.experiment.plan import read_experiment
from cbir.files import delete_partial_files
from cbir.runs.console import watch_run
from cbir.runs.job import let_scripts_import
from cbir.runs.lock import lock_results
from cbir.runs.record import list_changes, record_end, record_start
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

if workflow.is_main_process:
    CONSOLE = watch_run(logger, workflow.output_settings)  # CONSOLE.remind(lines) prints lines at the end of the run

PROJECT = Path(workflow.basedir)
let_scripts_import(PROJECT / "workflow/scripts")
try:
    EXPERIMENT = read_experiment(config, PROJECT)
except InputError as error:
    raise WorkflowError(str(error)) from None
config = EXPERIMENT.config
RESULTS = Path(config["results"])
ENVS = f"{workflow.basedir}/envs"  # conda environments, one per kind of step
LONG = 1  # priority of the long steps: they begin first, and short ones fill the cores that they leave

if workflow.is_main_process and (changes := list_changes(RESULTS, PROJECT)):
    logger.warning(
        f"{RESULTS} was last written with another state of {', '.join(changes)}. Snakemake doesn't look at these: what "
        "is finished stays. --forceall makes everything again, --forcerun RULE everything from one rule on."
    )


pathvars:
    results=config["results"],
    logs=f"{RESULTS}/logs",
    weights=config["weights"],


wildcard_constraints:
    **EXPERIMENT.wildcard_constraints,


onstart:
    try:
        workflow.results_lock = lock_results(RESULTS)
    except InputError as error:
        raise WorkflowError(str(error)) from None
    delete_partial_files(RESULTS)
    record_start(RESULTS, config, PROJECT)


onsuccess:
    record_end(RESULTS, "success")


onerror:
    record_end(RESULTS, "failure")
