"""What the benchmarks measure with; importing it lets them import cbir as the scripts do."""

import json
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))


def seconds(work: Callable[[], object]) -> float:
    """How long some work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def peak_memory() -> int:
    """The most bytes of this process that were resident at once; Linux's ru_maxrss would count its parent's too."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def start_case(**options: object) -> dict:
    """Start the running benchmark again, with these options, in a process of its own; what it prints as JSON."""
    command = [sys.executable, sys.argv[0], *(f"--{name}={value}" for name, value in options.items())]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
