import pytest

from cbir.runs.failures import Failure, StartedJob, describe_failures, describe_warnings, shorten_traceback

LINE = "2026-01-01 09:00:00,000 {} {}\n"


@pytest.fixture
def path(tmp_path):
    """A log that an earlier run has left, with a warning and an error."""
    path = tmp_path / "map.log"
    path.write_text(LINE.format("WARNING", "few images") + LINE.format("ERROR", "no embeddings"))
    return path


def test_what_an_earlier_run_has_logged_is_not_taken_for_the_job(path):
    job = StartedJob("map small", [str(path)])
    assert describe_warnings([job]) == []
    (text,) = describe_failures([Failure(job, "died with <Signals.SIGKILL: 9>")])
    assert text == f"error in map small:\n  died with <Signals.SIGKILL: 9>\n  log of map small: {path}"


def test_what_the_job_has_logged_is_taken(path):
    path.unlink()
    job = StartedJob("map small", [str(path)])
    path.write_text(LINE.format("WARNING", "few images") + LINE.format("ERROR", "no embeddings"))
    assert describe_warnings([job]) == [f"few images\n  log of map small: {path}"]
    assert "  no embeddings\n" in describe_failures([Failure(job)])[0]


def test_equal_errors_are_printed_once_with_the_first_logs(tmp_path):
    jobs = [StartedJob(f"map {number}", [str(tmp_path / f"{number}.log")]) for number in range(5)]
    for job in jobs:
        (tmp_path / f"{job.name[-1]}.log").write_text(LINE.format("ERROR", "no memory"))
    (text,) = describe_failures(map(Failure, jobs))
    assert text.splitlines()[:3] == ["error in 5 jobs:", "  no memory", "  logs of 5 jobs:"]
    assert text.splitlines()[3:] == [*(f"    map {n}: {tmp_path}/{n}.log" for n in range(3)), "    ..."]


def test_of_a_traceback_the_exception_is_shown_with_all_its_lines():
    text = "map failed\nTraceback (most recent call last):\n  File 'a.py', line 1\n    x\nOSError: full\ndisk"
    assert shorten_traceback(text) == "OSError: full\ndisk (traceback in the log)"
    assert shorten_traceback("3 images:\n  a.png") == "3 images:\n  a.png"
