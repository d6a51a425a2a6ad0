"""YAML files of the experiment room: the contents, the schemas and the catalogues."""

from pathlib import Path
from typing import Any

from cbir.errors import InputError


def read_mapping(path: str | Path) -> dict[str, Any]:
    """The mapping of a YAML file. Raises InputError for a file that is not YAML, or not a mapping."""
    import yaml

    try:
        # the C parser is ten times as fast
        content = yaml.load(Path(path).read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not YAML ({error}); correct it") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: not a mapping of keys to values; write it as the other files in its folder")
    return content
