import ast
import resource
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "workflow/scripts"
WITH_TORCH = {"embed_images", "classify_linear_study"}
LIMIT = 1.5  # seconds of processor time, Python's own start included
OF_PANDAS = 4.5  # as many times what pandas takes, where the machine is slower or busy


def imports_of(script):
    tree = ast.parse((SCRIPTS / f"{script}.py").read_text())
    return "\n".join(ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom))


def children_time():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def seconds_to_import(code):
    before = children_time()
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nsys.exit('torch' in sys.modules)"], cwd=SCRIPTS, check=False
    )
    assert done.returncode == 0, f"imports torch, or fails to import:\n{code}"
    return children_time() - before


@pytest.mark.parametrize("script", sorted({path.stem for path in SCRIPTS.glob("*.py")} - WITH_TORCH))
def test_a_script_without_torch_imports_what_it_needs_at_once(script):
    code = imports_of(script)
    assert any(
        (taken := seconds_to_import(code)) < LIMIT or taken < OF_PANDAS * seconds_to_import("import pandas")
        for _ in range(3)
    )


def test_the_scripts_with_torch_are_those_that_run_a_network():
    for script in WITH_TORCH:
        with pytest.raises(AssertionError, match="imports torch"):
            seconds_to_import(imports_of(script))
