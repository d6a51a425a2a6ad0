"""An environment's own packages, apart from those of the Python that runs Snakemake."""

import sys
import sysconfig
from pathlib import Path


def leave_snakemake_packages() -> None:
    """In a script of Snakemake, take no package from the Python that runs Snakemake.

    Snakemake appends its own search path to a script's, as a fallback that hides what the environment of the rule
    lacks; it begins with the folder that holds Snakemake itself. Nothing happens where that folder is this Python's
    own. Raises ImportError where a package was taken from there before.
    """
    snakemake = sys.modules.get("snakemake")
    if snakemake is None or not getattr(snakemake, "__file__", None):
        return
    folder = Path(snakemake.__file__).parents[1]
    if folder in (Path(sysconfig.get_path("purelib")), Path(sysconfig.get_path("platlib"))):
        return
    if str(folder) in sys.path:
        sys.path[sys.path.index(str(folder)) :] = [str(Path(__file__).parents[1])]
    origins = {name.split(".")[0]: getattr(module, "__file__", None) for name, module in sys.modules.items()}
    borrowed = sorted(
        name
        for name, origin in origins.items()
        if origin and Path(origin).is_relative_to(folder) and not name.startswith("snakemake")
    )
    if borrowed:
        raise ImportError(
            f"{', '.join(borrowed)}: not in the environment of this rule ({sys.prefix}) but taken from that of "
            f"Snakemake ({folder}); add it to envs/packages.toml and run `make lock`"
        )
