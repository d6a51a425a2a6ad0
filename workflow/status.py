"""Say what is done, running and missing in a results folder; `make status` gives it Snakemake's summary."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "scripts"))

from cbir.runs.status import describe_status

print(describe_status(sys.stdin, Path(sys.argv[1])))
