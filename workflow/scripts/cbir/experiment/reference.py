"""Write config/README.md, the reference of an experiment's keys, from the schema. Run by `make docs`."""

from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[4]
HEADER = """\
# The keys of an experiment

An experiment is a YAML file such as [config.yaml](../config.yaml); run it with `snakemake --cores 8 --configfile FILE`
or `make results CONFIG=FILE`. It stands alone: a key that it leaves out takes the default below. An unknown key or an
impossible value is refused before anything runs. This page is written by `make docs` from
[the schema](../workflow/schemas/config.schema.yaml).
"""
TABLE = "| key | type | default | meaning | example |\n|---|---|---|---|---|\n"


def describe_config(schema: dict) -> str:
    """The reference as Markdown: a table of the keys, one of those of every dataset, one for each source."""
    definitions = schema["$defs"]
    parts = [HEADER, TABLE + table_rows(schema, definitions)]
    parts += ["## Every entry of `datasets`\n", TABLE + table_rows(definitions["every_source"], definitions)]
    for name, source in sorted(definitions["sources"].items()):
        parts.append(f"## `source: {name}`\n\n{source['description']}\n")
        if source.get("properties"):
            parts.append(TABLE + table_rows(source, definitions))
    return "\n".join(parts)


def table_rows(schema: dict, definitions: dict) -> str:
    """The rows of the table of an object's keys."""
    return "".join(f"| {' | '.join(cells)} |\n" for cells in describe_keys(schema, definitions))


def describe_keys(schema: dict, definitions: dict, within: str = "") -> Iterator[tuple[str, str, str, str, str]]:
    """Key, type, default, meaning and example of every key of an object, and of those of the objects in it."""
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


def resolve(item: dict, definitions: dict) -> dict:
    """An item with what its $ref points to."""
    if "$ref" not in item:
        return item
    return definitions[item["$ref"].removeprefix("#/$defs/")] | item


def find_example(key: str, item: dict) -> object:
    """The first example that the schema gives, or else the default. Raises KeyError where there is neither."""
    if "examples" in item:
        return item["examples"][0]
    if item.get("default") is not None:
        return item["default"]
    if "enum" in item:
        return item["enum"][0]
    raise KeyError(f"{key}: give it `examples` in the schema")


def describe_type(item: dict, definitions: dict) -> str:
    """The type of a value and its bounds, in words."""
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
    """A value as it stands in YAML, on one line, after its key where one is given."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10**6, sort_keys=False, allow_unicode=True)
    text = text.strip().removesuffix("...").strip()
    text = text if key is None else f"{key}: {text}"
    return f"`{text}`".replace("|", "\\|")


if __name__ == "__main__":
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text(encoding="utf-8"))
    (ROOT / "config/README.md").write_text(describe_config(schema), encoding="utf-8")
