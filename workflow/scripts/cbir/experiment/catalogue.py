"""The model catalogue: for every encoder its architecture, its weights and the form of its input."""

from pathlib import Path

from cbir.errors import InputError, listing
from cbir.experiment.yaml_files import read_mapping


def load_catalogue(path: str | Path, user_path: str | Path | None = None) -> dict[str, dict]:
    """The entries of the model catalogue by model name.

    path: our catalogue. user_path: a user's own catalogue. Its entries are added; an entry with the name of one of ours
    replaces that one as a whole. Raises InputError for a file that is missing, is not YAML or is not a mapping. The
    entries are checked by `check_catalogue`.
    """
    catalogue = _read_entries(Path(path))
    return catalogue if user_path is None else catalogue | _read_entries(Path(user_path))


def read_catalogue_schema(folder_of_schemas: str | Path, folder_of_loaders: str | Path) -> dict:
    """The JSON schema of a catalogue: models.schema.yaml, with the loaders that there are.

    folder_of_loaders: holds one module per loader; an underscore in the file's name is a dash in the loader's.
    """
    schema = read_mapping(Path(folder_of_schemas, "models.schema.yaml"))
    loaders = sorted(path.stem.replace("_", "-") for path in Path(folder_of_loaders).glob("[!_]*.py"))
    schema["$defs"]["model"]["properties"]["loader"] = {"enum": loaders}
    return schema


def check_catalogue(catalogue: dict[str, dict], schema: dict) -> None:
    """Check a catalogue against its schema, as read_catalogue_schema returns it.

    Raises InputError with one line per wrong key: its value and the allowed values.
    """
    import jsonschema

    errors = jsonschema.Draft202012Validator(schema).iter_errors(catalogue)
    problems = sorted(f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in errors)
    if problems:
        raise InputError(f"model catalogue: {len(problems)} keys to correct:{listing(problems)}")


def _read_entries(path: Path) -> dict[str, dict]:
    """The entries of one catalogue file."""
    if not path.is_file():
        raise InputError(f"{path}: no such model catalogue; correct model_catalog, or set it to null")
    return read_mapping(path)


def list_files(entry: dict) -> dict[str, dict]:
    """The files to download for a model, weights first: file name -> where it is published.

    entry: the model's entry in the catalogue. Weights that come with a Python package are not among the files.

    >>> list_files({"weights": {"url": "https://example.org/a.pth", "file": "a.pth"}})
    {'a.pth': {'url': 'https://example.org/a.pth', 'file': 'a.pth'}}
    """
    files = {}
    if entry["weights"].keys() & {"repository", "url"}:
        files[entry["weights"]["file"]] = entry["weights"]
    tokenizer = entry.get("text", {}).get("tokenizer", {})
    for name in tokenizer.get("files", []):
        files[name] = {key: tokenizer[key] for key in ("repository", "revision")} | {"file": name}
    return files
