"""The examples in the docstrings of the library give what they say."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[2] / "workflow/scripts/cbir"
WITH_EXAMPLES = [path for path in sorted(LIBRARY.rglob("*.py")) if ">>> " in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: path.relative_to(LIBRARY).as_posix())
def test_the_examples_of_a_module_give_what_they_say(path):
    name = ".".join(path.relative_to(LIBRARY.parent).with_suffix("").parts).removesuffix(".__init__")
    found = doctest.testmod(import_module(name))
    assert found.attempted > 0
    assert found.failed == 0


def test_every_room_has_examples():
    rooms = {path.relative_to(LIBRARY).parts[0] for path in WITH_EXAMPLES}
    assert {path.name for path in LIBRARY.iterdir() if (path / "__init__.py").exists()} <= rooms
