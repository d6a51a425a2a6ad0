from cbir.runs.job import job, log
from cbir.runs.job_logs import read_last_step, read_log
from some_job import some_job


def test_the_entries_of_a_jobs_log_are_read_with_their_levels_and_all_their_lines(tmp_path):
    with job(some_job(tmp_path)):
        log.warning("two ids:\n  a\n  A")
    levels, messages = zip(*read_log(tmp_path / "logs/job.log"), strict=True)
    assert levels == ("INFO", "INFO", "WARNING", "INFO")
    assert messages[2] == "two ids:\n  a\n  A"


def test_the_last_step_is_none_of_the_lines_that_describe_the_job(tmp_path):
    path = tmp_path / "logs/job.log"
    assert read_last_step(path) == ""
    with job(some_job(tmp_path)):
        assert read_last_step(path) == ""
        log.info("half-way")
        assert read_last_step(path) == "half-way"
        for number in range(500):
            log.info("image %d", number)
        assert read_last_step(path) == "image 499"
