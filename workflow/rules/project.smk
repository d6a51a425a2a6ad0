# PROJECT: the folder with the Snakefile of this workflow, also where it is a module of another workflow.
import os
import tarfile
import tempfile
from contextlib import suppress
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.sourcecache import HostingProviderFile


def find_project():
    """The folder of this workflow. One that comes from GitHub or GitLab is unpacked once for each commit."""
    here = workflow.current_basedir  # the folder of this file
    if isinstance(here, HostingProviderFile):
        commit = here.hosted_repo.repo.commit(here.ref)
        unpacked = Path(workflow.sourcecache.cache_path, "cbir", commit.hexsha)
        if not unpacked.exists():
            unpack(commit, unpacked)
        return (unpacked / here.path).parents[1]
    folder = Path(here.get_path_or_uri(secret_free=True))
    if not folder.is_dir():
        raise WorkflowError(f"{folder}: not a local folder; give the module a local path, github(...) or gitlab(...)")
    return folder.parents[1]


def unpack(commit, folder):
    """Write the files of a commit to a folder, whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as partial, tempfile.TemporaryFile() as archive:
        commit.repo.archive(archive, commit.hexsha)
        archive.seek(0)
        with tarfile.open(fileobj=archive) as files:
            files.extractall(f"{partial}/files", filter="data")
        with suppress(OSError):  # another process was faster
            os.rename(f"{partial}/files", folder)


PROJECT = find_project()
