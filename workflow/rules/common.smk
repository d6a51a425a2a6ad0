import sys
import warnings
from pathlib import Path

sys.path.insert(0, f"{PROJECT}/workflow/scripts")

from cbir.datasets.watch import watch_datasets
from cbir.errors import InputError
from cbir.experiment.plan import read_experiment
from cbir.runs.console import watch_run
from cbir.runs.handlers import add_handlers, end_run, start_run
from cbir.runs.job import let_scripts_import
from cbir.runs.record import list_changes
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

# Snakemake's report asks for the sizes of inputs, which default-resources name, and drops the answer with this warning.
warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
if workflow.is_main_process:
    CONSOLE = watch_run(logger, workflow.output_settings)  # CONSOLE.remind(lines) prints lines at the end of the run

let_scripts_import(PROJECT / "workflow/scripts")
try:
    EXPERIMENT = read_experiment(config, PROJECT)
except InputError as error:
    raise WorkflowError(str(error)) from None
config = EXPERIMENT.config
RESULTS = Path(config["results"])
ENVS = f"{PROJECT}/envs"  # conda environments, one per kind of step
LONG = 1  # priority of the long steps: they begin first, and short ones fill the cores that they leave

if workflow.is_main_process:
    for line in watch_datasets(EXPERIMENT):
        logger.warning(line)

if workflow.is_main_process and (changes := list_changes(RESULTS, PROJECT)):
    logger.warning(
        f"{RESULTS} was last written with another state of {', '.join(changes)}. Snakemake doesn't look at these: what "
        "is finished stays. --forceall makes everything again, --forcerun RULE everything from one rule on."
    )


PATHVARS = {"results": config["results"], "logs": f"{RESULTS}/logs", "weights": config["weights"]}


pathvars:
    **PATHVARS,


# The library and the record of a run take their paths from the experiment, so a module statement must not move them.
if workflow.modifier.path_modifier.replace_prefix("<results>") != "<results>" or any(
    workflow.pathvars.get(name) != path for name, path in PATHVARS.items()
):
    raise WorkflowError(
        "the module statement has a prefix or other pathvars than the experiment; "
        "give the results folder as the key `results` of the experiment"
    )


wildcard_constraints:
    **EXPERIMENT.wildcard_constraints,


onstart:
    try:
        start_run(RESULTS, config, PROJECT)
    except InputError as error:
        raise WorkflowError(str(error)) from None


onsuccess:
    end_run(RESULTS, "success")


onerror:
    end_run(RESULTS, "failure")


if not workflow.modifier.is_main_snakefile():
    add_handlers(workflow, onstart=onstart, onsuccess=onsuccess, onerror=onerror)
