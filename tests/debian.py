"""Debian packages that tests install."""

import os
import shutil
import subprocess

import pytest


def install(*packages: str) -> None:
    """Install Debian packages that a test needs. Where that is not possible, the test is skipped with the reason."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        pytest.skip(f"installing {' and '.join(packages)} needs root on Debian")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for call in (["update"], ["install", "-y", *packages]):
        done = subprocess.run(["apt-get", "-qq", *call], env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"{' and '.join(packages)} can't be installed here: {done.stderr.strip()[-300:]}")
