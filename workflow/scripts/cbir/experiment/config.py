"""The configuration of an experiment: checked against its schema, all problems at once, and completed with defaults."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cbir.errors import InputError, did_you_mean, listing
from cbir.experiment.yaml_files import read_mapping

if TYPE_CHECKING:
    import jsonschema

# the only faiss factory whose search is exact
EXACT = "Flat"
# the similarity of an index that gives none; the analyses are of an exact index with it
SIMILARITY = "cosine"
# faiss's name of each search parameter, and the kind of index that has it
SEARCH_PARAMETERS = {"nprobe": "IVF", "efSearch": "HNSW"}


def read_schema(folder_of_schemas: str | Path, folder_of_sources: str | Path) -> dict:
    """The JSON schema of an experiment, composed of its keys and the options of every dataset source.

    folder_of_schemas: holds config.schema.yaml. folder_of_sources: holds one `<source>.yaml` per source, with the
    `description` and the JSON schema of its own options; an underscore in the file's name is a dash in the source's.
    Returns the schema of config.schema.yaml with the sources by name under `$defs.sources`, where `complete_config`
    and `describe_config` look for them. Raises InputError for a file that is not YAML or is not such a description.
    """
    schema = read_mapping(Path(folder_of_schemas, "config.schema.yaml"))
    paths = sorted(Path(folder_of_sources).glob("*.yaml"))
    sources = {path.stem.replace("_", "-"): read_mapping(path) for path in paths}
    for path, source in zip(paths, sources.values(), strict=True):
        if "description" not in source:
            raise InputError(f"{path}: no description; say what the source reads")
    return {**schema, "$defs": {**schema["$defs"], "sources": sources}}


def complete_config(config: dict, schema: dict, models: list[str] | None = None) -> dict:
    """The configuration with every default filled in, and every index as a mapping with its factory and similarity.

    config: as read from YAML; it is not changed. schema: from `read_schema`. models: the names in the catalogue; with
    None, the models are not checked. Raises InputError with one line per problem: the key, its value and the allowed
    values.
    """
    config = _with_defaults(copy.deepcopy(config), schema, schema)
    problems = list(_problems(config, schema))
    if not problems:
        for name, options in config["datasets"].items():
            source = _source_schema(options["source"], schema)
            config["datasets"][name] = _with_defaults(options, source, schema) if source else options
            problems += _dataset_problems(name, config["datasets"][name], source, schema)
    if not problems:
        config["indexes"] = {
            name: {"similarity": SIMILARITY} | ({"factory": entry} if isinstance(entry, str) else entry)
            for name, entry in config["indexes"].items()
        }
        problems = [*_contradictions(config), *_index_problems(config), *_unknown_models(config, models)]
    if problems:
        raise InputError("the configuration needs correction:" + listing(problems))
    return config


def _source_schema(source: str, schema: dict) -> dict | None:
    """The schema of a dataset: the keys that every source has, and the source's own. None for an unknown source."""
    own = schema["$defs"]["sources"].get(source) if isinstance(source, str) else None
    if own is None:
        return None
    every = schema["$defs"]["every_source"]
    return {
        **own,
        "type": "object",
        "additionalProperties": False,
        "properties": every["properties"] | own.get("properties", {}),
        "$defs": schema["$defs"],
    }


def _with_defaults(value: Any, schema: dict, root: dict) -> Any:
    """Fill in the defaults of missing keys at every depth, and return `value`. root: holds what `$ref` points to."""
    if isinstance(value, dict):
        for key, item in schema.get("properties", {}).items():
            item = resolve(item, root["$defs"])
            if key not in value and "default" in item:
                value[key] = copy.deepcopy(item["default"])
            if key in value:
                value[key] = _with_defaults(value[key], item, root)
    return value


def resolve(item: dict, definitions: dict) -> dict:
    """The schema of a key, together with the definition that its `$ref` points to.

    >>> resolve({"$ref": "#/$defs/root", "default": "/data"}, {"root": {"type": "string"}})["type"]
    'string'
    """
    if "$ref" not in item:
        return item
    return definitions[item["$ref"].removeprefix("#/$defs/")] | item


def _problems(value: Any, schema: dict, prefix: str = "") -> Iterator[str]:
    """One line per violation of the schema. prefix: the key that `value` stands under."""
    import jsonschema

    validator = jsonschema.Draft202012Validator(schema)
    for error in sorted(validator.iter_errors(value), key=lambda e: [str(part) for part in e.absolute_path]):
        yield from _explain(error, prefix)


def _explain(error: jsonschema.ValidationError, prefix: str) -> Iterator[str]:
    """The lines for one violation: the key, its value and the allowed values."""
    key = ".".join([*filter(None, [prefix]), *map(str, error.absolute_path)])
    within = f"{key}." if key else ""
    if error.validator == "additionalProperties":
        allowed = sorted(error.schema.get("properties", {}))
        for name in sorted(set(error.instance) - set(allowed)):
            yield f"{within}{name}: unknown key{did_you_mean(name, allowed)}; allowed are {', '.join(allowed)}"
    elif error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        yield from (f"{within}{name}: missing; {_describe(error.schema, name)}" for name in missing)
    elif error.validator == "enum":
        allowed = [str(item) for item in error.validator_value]
        yield f"{key}: {error.instance!r}{did_you_mean(str(error.instance), allowed)}; allowed are {', '.join(allowed)}"
    elif error.validator == "anyOf" and re.fullmatch(r"[\d.]+ ?%", str(error.instance)):
        share = str(error.instance).rstrip("% ")
        yield f"{key}: {error.instance!r} (did you mean {share}pct?); allowed are {error.schema['description']}"
    elif error.validator == "contains":
        needed = error.validator_value
        yield f"{key}: [{', '.join(map(str, error.instance))}]: add {needed['const']}; {needed['description']}"
    else:
        described = error.schema.get("description")
        yield f"{key}: {error.message}" + (f"; {described}" if described else "")


def _describe(schema: dict, name: str) -> str:
    item = schema.get("properties", {}).get(name, {})
    return resolve(item, schema.get("$defs", {})).get("description", "give it")


def _dataset_problems(name: str, options: dict, source: dict | None, schema: dict) -> Iterator[str]:
    key = f"datasets.{name}"
    if source is None:
        sources = sorted(schema["$defs"]["sources"])
        wrong, hint = options["source"], did_you_mean(str(options["source"]), sources)
        yield f"{key}.source: {wrong!r} is no source{hint}; allowed are {', '.join(sources)}"
        return
    problems = list(_problems(options, source, key))
    yield from problems
    if not problems and sum(options["split"].values()) > 1 + 1e-9:
        yield f"{key}.split: the shares add up to {sum(options['split'].values()):g}; make them at most 1"


def _contradictions(config: dict) -> Iterator[str]:
    """Problems between several keys: scores deeper than the search, indexes smaller than the search, wrong members."""
    unions = {name: options["members"] for name, options in config["datasets"].items() if "members" in options}
    for name, members in unions.items():
        for member in members:
            if member not in config["datasets"] or member in unions:
                others = ", ".join(sorted(set(config["datasets"]) - set(unions)))
                yield f"datasets.{name}.members: {member!r} is not a dataset with its own images; allowed are {others}"
    for name, options in config["datasets"].items():
        k = options.get("k", config["search"]["k"])
        key = f"datasets.{name}.k" if "k" in options else "search.k"
        if k < max(config["scores"]["at"]):
            yield f"{key}: {k} is less than the deepest of scores.at ({max(config['scores']['at'])}); search deeper"
        for size in _sizes(config, options):
            if str(size).isdigit() and int(size) < k:
                yield f"index_sizes: {size} is smaller than {key} ({k}); make the index larger or {key} smaller"


def _index_problems(config: dict) -> Iterator[str]:
    """Missing exact indexes; search parameters or sizes that do not fit an index."""
    yield from _missing_exact_indexes(config["indexes"])
    sizes = {str(size) for options in config["datasets"].values() for size in _sizes(config, options)}
    smallest = min((int(size) for size in sizes if size.isdigit()), default=None)
    for name, entry in config["indexes"].items():
        factory, key = entry["factory"], f"indexes.{name}"
        for parameter, kind in SEARCH_PARAMETERS.items():
            if parameter in entry and kind not in factory:
                yield f"{key}.{parameter}: {factory} has no such search parameter, {kind} has; leave it out"
        cells = re.search(r"IVF(\d+)", factory)
        if cells and entry.get("nprobe", 1) > int(cells[1]):
            yield f"{key}.nprobe: {entry['nprobe']} is more than the {cells[1]} cells of {factory}; lower it"
        if cells and smallest is not None and smallest < int(cells[1]):
            yield (
                f"{key}: {factory} needs {cells[1]} images to train on, but index_sizes has {smallest}; "
                "give it fewer cells or leave out the smaller index_sizes"
            )


def _missing_exact_indexes(indexes: dict[str, dict]) -> Iterator[str]:
    """Approximate indexes without an exact one by the same similarity, and indexes without one by cosine similarity."""
    remedies = {
        "cosine": f"add an exact index, such as exact: {EXACT}",
        "euclidean": f"add an exact index, such as euclidean: {{factory: {EXACT}, similarity: euclidean}}",
    }
    for similarity, remedy in remedies.items():
        same = {name: entry["factory"] for name, entry in indexes.items() if entry["similarity"] == similarity}
        if same and EXACT not in same.values():
            yield (
                f"indexes: {', '.join(same)}: approximate, and their recall is measured against the neighbors of an "
                f"exact index with similarity {similarity}; {remedy}"
            )
        elif not same and similarity == SIMILARITY:
            yield f"indexes: none has similarity {similarity}, which the analyses use; {remedy}"


def _sizes(config: dict, options: dict) -> list[str | int]:
    """The index sizes of a dataset."""
    return options.get("index_sizes", config["index_sizes"])


def _unknown_models(config: dict, models: list[str] | None) -> Iterator[str]:
    """Models without an entry in the catalogue, and models without embeddings in a released dataset."""
    if models is None:
        return
    released = {
        name: Path(options["embeddings"]).expanduser()
        for name, options in config["datasets"].items()
        if options["source"] == "released"
    }
    if len(released) < len(config["datasets"]):
        for model in config["models"]:
            if model not in models:
                known = ", ".join(sorted(models))
                yield f"models: {model!r} is not in the catalogue{did_you_mean(model, models)}; it has {known}"
    for name, folder in released.items():
        if not folder.is_dir():
            yield f"datasets.{name}.embeddings: no folder {folder}; set it to the folder of the released embeddings"
            continue
        held = sorted(path.name for path in folder.iterdir() if path.is_dir())
        for model in config["models"]:
            if model not in held:
                hint = did_you_mean(model, held)
                yield f"models: {model!r} has no folder in {folder}{hint}; it has {', '.join(held)}"
