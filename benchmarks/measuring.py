"""Time and memory for the benchmarks. Importing this module also puts cbir on the search path."""

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
    """Duration of some work."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def peak_memory() -> int:
    """Peak resident memory of this process in bytes. On Linux, ru_maxrss would include that of the parent process."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def start_case(**options: object) -> dict:
    """Run the current benchmark with these options in a process of its own, and return the JSON that it prints."""
    command = [sys.executable, sys.argv[0], *(f"--{name}={value}" for name, value in options.items())]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
