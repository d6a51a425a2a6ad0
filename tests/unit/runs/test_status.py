from cbir.runs.record import record_start
from cbir.runs.status import describe_status
from workflow_runs import ROOT

SUMMARY = """\
output_file	date	rule	log-file(s)	status	plan
results/a.npy	Sat Nov 21 23:19:04 2026	embed_images	a.log	ok	no update
results/b.npy	-	embed_images		missing	update pending
results/c.parquet	-	score_retrieval		missing	update pending
"""


def test_files_that_are_done_and_missing_are_counted_by_rule(tmp_path):
    record_start(tmp_path, {}, ROOT)
    text = describe_status(SUMMARY.splitlines(), tmp_path)
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines()}
    assert rows["embed_images"] == ["1", "1"]
    assert rows["score_retrieval"] == ["0", "1"]
    assert rows["all"] == ["1", "2"]
    assert "last run: running, started" in text
