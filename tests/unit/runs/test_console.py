"""The console of a run, with the messages of real runs of Snakemake."""

import io
import json
import logging
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake.logging import ColorizingTextHandler, DefaultFilter, DefaultFormatter
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.common import LogEvent

from cbir.runs.console import Console, watch_run

SCRIPTS = Path(__file__).parents[3] / "workflow/scripts"
# 30 jobs: 27 that end well with a warning in their logs, one that fails with an error in its log, one that is killed
SNAKEFILE = f"""
import json, logging, sys
sys.path.insert(0, {str(SCRIPTS)!r})
from cbir.runs.console import watch_run
from snakemake.logging import logger

class Record(logging.Handler):
    def emit(self, record):
        with open("records.jsonl", "a") as file:
            print(json.dumps(vars(record), default=str), file=file)

if workflow.is_main_process:
    CONSOLE = watch_run(logger, workflow.output_settings)
    logger.addHandler(Record())

onerror:
    CONSOLE.remind(["no patient ids: 3 images"])

rule all:
    input: expand("made/{{n}}", n=range(27)), "listed", "killed"

rule make:
    output: "made/{{n}}"
    log: "logs/make/{{n}}.log"
    shell: "printf '2026-01-01 09:00:00,000 INFO make\\n' > {{log}}; "
        "printf '2026-01-01 09:00:00,000 WARNING two ids:\\n  a\\n  A\\n' >> {{log}}; touch {{output}}"

rule list_images:
    output: "listed"
    log: "logs/list.log"
    shell: "printf '2026-01-01 09:00:00,000 ERROR 2 images cannot be read:\\n  a.png\\n  b.png\\n' > {{log}}; exit 1"

rule killed:
    output: "killed"
    log: "logs/killed.log"
    shell: "printf '2026-01-01 09:00:00,000 INFO killed\\n' > {{log}}; kill -9 $$"
"""


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    """The folder of a run with two failing jobs, and the lines that it printed without a terminal."""
    folder = tmp_path_factory.mktemp("failed")
    (folder / "Snakefile").write_text(SNAKEFILE)
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "2", "--keep-going", "--scheduler", "greedy"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    return folder, done.stdout.splitlines()


def records(folder: Path) -> list[logging.LogRecord]:
    """The messages of the run, with Snakemake's own kinds of events."""
    found = [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]
    for fields in found:
        if "event" in fields:
            fields["event"] = LogEvent(fields["event"].rpartition(".")[2].lower())
    return [logging.makeLogRecord(fields) for fields in found]


def settings(**changes):
    plain = {"quiet": None, "dryrun": False, "verbose": False, "debug_dag": False, "printshellcmds": False}
    return SimpleNamespace(**plain | changes)


def snakemakes_handler(stream: io.StringIO, given: SimpleNamespace) -> logging.Handler:
    """Snakemake's own handler, as its LoggerManager makes it."""
    handler = ColorizingTextHandler(nocolor=True, stream=stream)
    handler.addFilter(DefaultFilter(given.quiet, given.debug_dag, given.verbose, given.dryrun, given.printshellcmds))
    handler.setFormatter(DefaultFormatter(given.quiet))
    handler.name = "DefaultStreamHandler"
    return handler


def replay(messages: list[logging.LogRecord], monkeypatch, folder: Path, stream=None, **changes) -> str:
    """What a console prints of the messages of a run."""
    monkeypatch.chdir(folder)
    stream, given = stream or io.StringIO(), settings(**changes)
    console = Console(snakemakes_handler(stream, given), given)
    for message in messages:
        console.handle(message)
        if getattr(message, "event", None) == LogEvent.JOB_INFO:  # the job writes its logs
            for path in map(Path, message.log):
                path.touch()
    console.close()
    return stream.getvalue()


def test_a_run_of_thirty_jobs_prints_few_lines_and_its_errors_last(failed):
    _, lines = failed
    assert lines[0] == "30 jobs to run"
    (end,) = [number for number, line in enumerate(lines) if line.startswith("27 of 30 jobs done, 2 failed in 0:00:")]
    assert end <= 3  # the two jobs that fail are named at once
    errors = [number for number, line in enumerate(lines) if line.startswith("error in ")]
    assert len(errors) == 2
    assert all(number > lines.index("mind:") > end for number in errors)
    listed = lines.index("error in list_images:")
    assert lines[listed : listed + 5] == [
        "error in list_images:",
        "  2 images cannot be read:",
        "    a.png",
        "    b.png",
        "  log of list_images: logs/list.log",
    ]
    assert "\r" not in "".join(lines)


def test_a_job_that_was_killed_is_shown_with_the_signal_and_the_end_of_its_log(failed):
    _, lines = failed
    said = "\n".join(lines[lines.index("error in killed:") :])
    assert "died with <Signals.SIGKILL: 9>" in said
    assert "end of logs/killed.log:\n    2026-01-01 09:00:00,000 INFO killed" in said


def test_equal_warnings_of_jobs_are_printed_once_with_the_first_logs(failed):
    _, lines = failed
    start = lines.index("mind:")
    assert lines[start + 1 : start + 10] == [
        "  no patient ids: 3 images",
        "  two ids:",
        "    a",
        "    A",
        "    logs of 27 jobs:",
        "      make 0: logs/make/0.log",
        "      make 1: logs/make/1.log",
        "      make 10: logs/make/10.log",
        "      ...",
    ]


def test_all_of_snakemakes_messages_are_in_the_file_that_the_last_lines_name(failed):
    _, lines = failed
    path = re.search(r"all messages: (.*)$", "\n".join(lines), re.MULTILINE)[1]
    said = Path(path).read_text()
    assert "Job stats:" in said
    assert said.count("rule make:") == 27
    assert "Error in rule list_images:" in said


def test_quiet_all_prints_the_errors_and_nothing_else(failed, monkeypatch):
    folder, _ = failed
    said = replay(records(folder), monkeypatch, folder, quiet={Quietness.ALL})
    assert said.startswith("error in ")
    assert "2 images cannot be read" in said
    assert "mind:" not in said


def test_quiet_all_prints_an_error_before_the_run():
    stream, given = io.StringIO(), settings(quiet={Quietness.ALL})
    console = Console(snakemakes_handler(stream, given), given)
    console.handle(logging.makeLogRecord({"levelno": logging.WARNING, "msg": "scheduler"}))
    console.handle(logging.makeLogRecord({"levelno": logging.ERROR, "msg": "sede: unknown key"}))
    assert stream.getvalue() == "sede: unknown key\n"


@pytest.mark.parametrize("change", [{"dryrun": True}, {"printshellcmds": True}])
def test_a_dry_run_and_printed_commands_look_as_without_the_console(failed, monkeypatch, change):
    folder, _ = failed
    stream, given = io.StringIO(), settings(**change)
    plain = snakemakes_handler(stream, given)
    for message in records(folder):
        plain.handle(message)
    expected = re.sub(r"\[.*\]", "", stream.getvalue())
    said = re.sub(r"\[.*\]", "", replay(records(folder), monkeypatch, folder, **change))
    assert said.startswith(expected)
    assert change == {"printshellcmds": True} or said == expected


def test_what_is_printed_outside_a_run_looks_as_without_the_console(failed, monkeypatch):
    folder, _ = failed
    message = logging.makeLogRecord({"levelno": logging.INFO, "msg": "Creating report..."})
    assert replay([message], monkeypatch, folder) == "Creating report...\n"


def test_a_job_that_succeeds_at_a_second_attempt_is_no_error(failed, monkeypatch):
    folder, _ = failed
    messages = records(folder)
    (error,) = [m for m in messages if getattr(m, "event", None) == LogEvent.JOB_ERROR and m.rule_name == "list_images"]
    again = next(m for m in messages if getattr(m, "event", None) == LogEvent.JOB_INFO and m.jobid == error.jobid)
    ended = logging.makeLogRecord({"event": LogEvent.JOB_FINISHED, "job_id": error.jobid, "levelno": logging.INFO})
    said = replay([*messages, again, ended], monkeypatch, folder)
    assert "1 failed" in said
    assert "error in list_images" not in said
    assert "error in killed" in said


def test_jobs_that_an_interruption_ends_are_no_errors(failed, monkeypatch):
    folder, _ = failed
    messages = records(folder)
    first = next(n for n, m in enumerate(messages) if getattr(m, "event", None) == LogEvent.JOB_STARTED)
    stop = logging.makeLogRecord({"levelno": logging.INFO, "msg": "Terminating processes on user request, ..."})
    said = replay([*messages[:first], stop, *messages[first:]], monkeypatch, folder)
    assert "interrupted, the same command continues" in said
    assert "error in" not in said


def test_of_a_group_of_jobs_only_the_one_with_an_error_in_its_log_is_an_error(failed, monkeypatch):
    folder, _ = failed
    messages = records(folder)
    errors = [message for message in messages if getattr(message, "event", None) == LogEvent.JOB_ERROR]
    info = [{"jobid": error.jobid, "rule_name": error.rule_name, "log": error.log} for error in errors]
    group = {"event": LogEvent.GROUP_ERROR, "groupid": "g", "aux_logs": [], "job_error_info": info}
    of_group = logging.makeLogRecord(group | {"levelno": logging.ERROR, "msg": "Error in group g"})
    others = [message for message in messages if message not in errors]
    said = replay([*others, of_group, *errors], monkeypatch, folder)
    assert "error in list_images" in said
    assert "error in killed" not in said


def test_an_error_of_snakemakes_own_stays(failed, monkeypatch):
    folder, _ = failed
    fields = {"event": LogEvent.ERROR, "levelno": logging.ERROR, "msg": "MissingOutputException in rule make: made/3"}
    said = replay([*records(folder), logging.makeLogRecord(fields)], monkeypatch, folder)
    assert said.splitlines()[-1] == "MissingOutputException in rule make: made/3"


def test_the_progress_names_the_oldest_job_that_has_logged_a_step(failed, monkeypatch, tmp_path):
    folder, _ = failed
    messages = records(folder)
    monkeypatch.chdir(tmp_path)
    given = settings(quiet={Quietness.PROGRESS})
    console = Console(snakemakes_handler(io.StringIO(), given), given)
    started = [message for message in messages if getattr(message, "event", None) == LogEvent.JOB_INFO][:2]
    until = messages.index(started[1]) + 1
    for message in messages[:until]:
        console.handle(message)
    path = Path(started[1].log[0])
    path.parent.mkdir(parents=True)
    path.write_text(
        "2026-01-01 09:00:00,000 INFO make n=1\n2026-01-01 09:00:00,000 INFO 64 of 90 images, 2.0 images/s\n"
    )
    assert console.run.describe_progress().startswith("0 of 30 jobs done (0 %)")
    n = started[1].wildcards["n"]
    assert console.run.describe_step() == f"make {n}: 64 of 90 images, 2.0 images/s"


def test_a_message_that_the_console_does_not_understand_is_printed_as_by_snakemake(failed, monkeypatch, capsys):
    folder, _ = failed
    odd = logging.makeLogRecord({"event": LogEvent.PROGRESS, "done": 1, "levelno": logging.INFO, "msg": None})
    later = logging.makeLogRecord({"levelno": logging.INFO, "msg": "Select jobs to execute..."})
    messages = [m for m in records(folder) if getattr(m, "event", None) == LogEvent.WORKFLOW_STARTED]
    monkeypatch.setattr(ColorizingTextHandler, "handleError", lambda *_: None)  # Snakemake lacks the total as well
    assert "Select jobs to execute..." in replay([*messages, odd, later], monkeypatch, folder)
    assert "Logging error" in capsys.readouterr().err


def test_the_console_takes_the_place_of_snakemakes_handler_once():
    logger, given = logging.Logger("snakemake"), settings()
    plain = snakemakes_handler(io.StringIO(), given)
    logger.addHandler(plain)
    console = watch_run(logger, given)
    assert watch_run(logger, given) is console
    assert logger.handlers == [console]


def test_another_logger_plugin_keeps_the_console_and_the_end_of_the_run_is_added(failed, monkeypatch, capsys):
    folder, _ = failed
    monkeypatch.chdir(folder)
    logger = logging.Logger("snakemake")
    console = watch_run(logger, settings())
    console.remind(["few queries"])
    for message in records(folder):
        logger.handle(message)
    assert capsys.readouterr().err == ""
    console.close()
    assert "mind:\n  few queries\n" in capsys.readouterr().err
