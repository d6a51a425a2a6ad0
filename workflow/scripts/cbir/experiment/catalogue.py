"""The model catalogue: what every encoder is, where its weights are and what its input looks like."""

from pathlib import Path

import jsonschema
import yaml

from cbir.errors import InputError, listing


def load_catalogue(path: str | Path, user_path: str | Path | None = None) -> dict[str, dict]:
    """The entries of a catalogue by model name; those of a user's own catalogue are added, or replace ours whole.

    Raises InputError where a file is absent, no YAML, or no mapping. `check_catalogue` checks the entries.
    """
    catalogue = _read_entries(Path(path))
    return catalogue if user_path is None else catalogue | _read_entries(Path(user_path))


def check_catalogue(catalogue: dict[str, dict], schema: dict) -> None:
    """Raise InputError that lists every key of a catalogue that breaks its schema, and what is allowed."""
    errors = jsonschema.Draft202012Validator(schema).iter_errors(catalogue)
    problems = sorted(f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in errors)
    if problems:
        raise InputError(f"model catalogue: {len(problems)} keys to correct:{listing(problems)}")


def _read_entries(path: Path) -> dict[str, dict]:
    if not path.is_file():
        raise InputError(f"{path}: no such model catalogue; correct model_catalog, or set it to null")
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not YAML ({error}); correct it") from error
    if not isinstance(entries, dict):
        raise InputError(f"{path}: not a mapping of model names to entries; write it as workflow/models.yaml is")
    return entries


def list_files(entry: dict) -> dict[str, dict]:
    """What has to be fetched for a model, the weights first: file name -> where it is published."""
    files = {}
    if entry["weights"].keys() & {"repository", "url"}:
        files[entry["weights"]["file"]] = entry["weights"]
    tokenizer = entry.get("text", {}).get("tokenizer", {})
    for name in tokenizer.get("files", []):
        files[name] = {key: tokenizer[key] for key in ("repository", "revision")} | {"file": name}
    return files
