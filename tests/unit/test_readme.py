from pathlib import Path

import yaml

from cbir.datasets.sources import list_sources

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_the_table_of_encoders_is_the_catalogue():
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in README.splitlines() if line.startswith("| `")]
    listed = {row[0].strip("`"): row for row in rows if len(row) == 6}
    catalogue = yaml.safe_load((ROOT / "workflow/models.yaml").read_text())
    assert set(listed) == set(catalogue)
    for name, entry in catalogue.items():
        described = [
            entry["description"],
            str(entry["dimensions"]),
            entry["licence"],
            "; ".join(entry.get("unverified", [])),
        ]
        assert [listed[name][column] for column in (1, 2, 4, 5)] == described


def test_every_source_is_described():
    for source in list_sources():
        assert f"`{source}`" in README


def test_the_pages_for_developers_are_linked():
    for page in ("docs/architecture.md", "docs/performance.md"):
        assert f"({page})" in README


def test_every_file_and_folder_that_readme_names_exists():
    for name in ("Snakefile", "config.yaml", "envs", "profiles/slurm", "workflow/models.yaml", "config/paper.yaml"):
        assert name in README
        assert (ROOT / name).exists()
