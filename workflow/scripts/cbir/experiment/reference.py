"""The reference of an experiment's keys, config/README.md, from the schema. `make docs` writes it."""

from collections.abc import Iterator
from pathlib import Path

import yaml

from cbir.experiment.config import read_schema, resolve
from cbir.files import whole_file

ROOT = Path(__file__).parents[4]
HEADER = """\
# The keys of an experiment

An experiment is a YAML file such as [config.yaml](../config.yaml); run it with `snakemake --cores 8 --configfile FILE`
or `make results CONFIG=FILE`. It is complete in itself: a key that it leaves out takes the default below, not the value
in config.yaml. Unknown keys and impossible values are refused before anything runs. `make docs` writes this page from
[the schema](../workflow/schemas/config.schema.yaml) and from the descriptions of
[the sources](../workflow/scripts/cbir/datasets/sources).
"""
TABLE = "| key | type | default | meaning | example |\n|---|---|---|---|---|\n"


def describe_config(schema: dict) -> str:
    """The reference as Markdown: one table of the experiment's keys, one of those of every dataset, one per source.

    schema: from `read_schema`.
    """
    definitions = schema["$defs"]
    parts = [HEADER, TABLE + table_rows(schema, definitions)]
    parts += ["## Every entry of `datasets`\n", TABLE + table_rows(definitions["every_source"], definitions)]
    for name, source in sorted(definitions["sources"].items()):
        parts.append(f"## `source: {name}`\n\n{source['description']}\n")
        if source.get("properties"):
            parts.append(TABLE + table_rows(source, definitions))
    return "\n".join(parts)


def table_rows(schema: dict, definitions: dict) -> str:
    """The Markdown table of an object's keys, one row per key, without its header.

    >>> table_rows({"properties": {"k": {"type": "integer", "default": 5, "description": "Depth."}}}, {})
    '| `k` | integer | `5` | Depth. | `k: 5` |\\n'
    """
    return "".join(f"| {' | '.join(cells)} |\n" for cells in describe_keys(schema, definitions))


def describe_keys(schema: dict, definitions: dict, within: str = "") -> Iterator[tuple[str, str, str, str, str]]:
    """Key, type, default, meaning and example of every key of an object, and of the keys of the objects in it.

    definitions: the schema's `$defs`. within: the key of the object, with a dot at its end.
    """
    for name, stated in schema.get("properties", {}).items():
        item = resolve(stated, definitions)
        key = f"{within}{name}"
        if "properties" in item:
            yield (f"`{key}`", "mapping", "", item["description"], "")
            yield from describe_keys(item, definitions, f"{key}.")
            continue
        required = name in schema.get("required", [])
        default = "required" if required else printed(item["default"]) if "default" in item else "absent"
        meaning = item.get("description", "").replace("|", "\\|")
        yield (f"`{key}`", describe_type(item, definitions), default, meaning, printed(find_example(key, item), name))


def find_example(key: str, item: dict) -> object:
    """The first example in a key's schema; without examples the default, or the first allowed value.

    Raises KeyError for a key that has none of these.

    >>> find_example("device", {"enum": ["cpu", "cuda"]})
    'cpu'
    """
    if "examples" in item:
        return item["examples"][0]
    if item.get("default") is not None:
        return item["default"]
    if "enum" in item:
        return item["enum"][0]
    raise KeyError(f"{key}: give it `examples` in the schema")


def describe_type(item: dict, definitions: dict) -> str:
    """The type of a value and its bounds, in words.

    >>> describe_type({"type": "array", "items": {"type": "integer", "minimum": 1}}, {})
    'list of integer ≥ 1'
    """
    if "enum" in item:
        return ", ".join(f"`{value}`" for value in item["enum"])
    if "anyOf" in item:
        return " or ".join(describe_type(resolve(one, definitions), definitions) for one in item["anyOf"])
    kind = item.get("type", "string")
    if isinstance(kind, list):
        return " or ".join(kind)
    if kind == "array":
        return f"list of {describe_type(resolve(item.get('items', {}), definitions), definitions)}"
    if kind == "object":
        return "mapping"
    bounds = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    return " ".join([kind, *(f"{sign} {item[bound]}" for bound, sign in bounds.items() if bound in item)])


def printed(value: object, key: str | None = None) -> str:
    """A value as YAML on one line, in Markdown's marks for code. key: if given, it is written before the value.

    >>> printed([1, 3], "at")
    '`at: [1, 3]`'
    """
    text = yaml.safe_dump(value, default_flow_style=True, width=10**6, sort_keys=False, allow_unicode=True)
    text = text.strip().removesuffix("...").strip()
    text = text if key is None else f"{key}: {text}"
    return f"`{text}`".replace("|", "\\|")


if __name__ == "__main__":
    schema = read_schema(ROOT / "workflow/schemas", ROOT / "workflow/scripts/cbir/datasets/sources")
    with whole_file(ROOT / "config/README.md") as partial:
        partial.write_text(describe_config(schema), encoding="utf-8")
