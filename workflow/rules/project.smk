# PROJECT: the folder with the Snakefile of this workflow on this machine, also where another workflow has it as a module.
import os
import tarfile
import tempfile
from contextlib import suppress
from pathlib import Path

import git
from snakemake.exceptions import WorkflowError


def find_project():
    """The folder of this workflow. One that is taken from a git repository is unpacked once for each commit."""
    here = workflow.current_basedir  # the folder of this file
    if hasattr(here, "hosted_repo"):  # github(...) and gitlab(...)
        repository, folder = here.hosted_repo.repo, here.path
    elif hasattr(here, "repo_path"):  # git+file:
        repository, folder = git.Repo(here.repo_path), here.path
    else:
        folder = here.get_path_or_uri(secret_free=True)
        if not os.path.isdir(folder):
            raise WorkflowError(
                f"{folder}: not a folder; take the module from a local path, github(...) or gitlab(...)"
            )
        return Path(folder).parents[1]
    commit = repository.commit(here.ref)
    unpacked = Path(workflow.sourcecache.cache_path, "cbir", commit.hexsha)
    if not unpacked.exists():
        unpack(repository, commit, unpacked)
    return (unpacked / folder).parents[1]


def unpack(repository, commit, folder):
    """Write the files of a commit to a folder, whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as partial:
        with tempfile.TemporaryFile() as archive:
            repository.archive(archive, commit.hexsha)
            archive.seek(0)
            with tarfile.open(fileobj=archive) as files:
                files.extractall(f"{partial}/{commit.hexsha}", filter="data")
        with suppress(OSError):  # another process was faster
            os.rename(f"{partial}/{commit.hexsha}", folder)


PROJECT = find_project()
