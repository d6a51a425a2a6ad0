"""A job as a script sees it."""

from cbir.runs.by_hand import Job, Named


def some_job(folder):
    given = Named([str(folder / "a"), str(folder / "b")], {"rows": str(folder / "a"), "manifest": str(folder / "b")})
    return Job(
        rule="score_retrieval",
        input=given,
        output=Named([str(folder / "o")], {"scores": str(folder / "o")}),
        log=Named([str(folder / "logs/job.log")], {}),
        params=Named([[1, 3], {"factory": "Flat"}], {"at": [1, 3], "entry": {"factory": "Flat"}}),
        wildcards=Named(["mine"], {"dataset": "mine"}),
        threads=2,
    )
