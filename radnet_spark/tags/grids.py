"""The cells of a tag grid: from the settings alone, or from a named grid of `conf/tag_grids.yml`."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from radnet_spark.config import Tags, load_rules
from radnet_spark.errors import UsageError
from radnet_spark.lake.cells import Cell, combinations, make_cells

STAGE = "tags"
NO_GRID = "none"

_LAYERS = ("first", "second", "third")


def tag_cells(settings: Tags, basis: Any) -> list[Cell]:
    """The cells to fit: one without a grid.

    Args:
        settings: the `tags` section.
        basis: what decides every cell's result beside its own settings.

    Raises:
        UsageError: the grid is not in the file, or a block names something unknown.
    """
    if settings.grid == NO_GRID:
        return make_cells(STAGE, [_complete({"model": settings.model}, settings)], [settings.seed], basis)
    grids = load_rules(settings.grids)
    if settings.grid not in grids:
        raise UsageError(f"tags.grid: found {settings.grid}, expected {NO_GRID} or one of {', '.join(grids)}")
    return [cell for block in grids[settings.grid] for cell in _of_block(block, settings, basis)]


def shapes(block: Mapping[str, list[int]]) -> list[tuple[int, ...]]:
    """Decreasing sizes out of lists of sizes, one list a layer, bottleneck last where there is one."""
    names = [name for name in (*_LAYERS, "bottleneck") if name in block]
    found = (tuple(chosen.values()) for chosen in combinations({name: block[name] for name in names}))
    return [sizes for sizes in found if all(above > below for above, below in pairwise(sizes))]


def _of_block(block: Mapping[str, Any], settings: Tags, basis: Any) -> list[Cell]:
    rest = {name: values for name, values in block.items() if name not in ("model", "seeds", *_LAYERS)}
    chosen: list[dict[str, Any]] = combinations(rest)
    if _LAYERS[0] in block:
        rest.pop("bottleneck")
        others = combinations(rest)
        chosen = [{"layers": list(sizes[:-1]), "bottleneck": sizes[-1], **other}
                  for sizes in shapes(block) for other in others]  # fmt: skip
    complete = [_complete({"model": block["model"], **values}, settings) for values in chosen]
    return make_cells(STAGE, complete, block["seeds"], basis)


def _complete(chosen: Mapping[str, Any], settings: Tags) -> dict[str, Any]:
    """A cell's settings with all that it does not name itself."""
    of_model = {"ae": settings.autoencoder, "pca": settings.pca}
    if chosen["model"] not in of_model:
        raise UsageError(f"tags.grids: found model {chosen['model']}, expected one of {', '.join(of_model)}")
    below = of_model[chosen["model"]].model_dump(mode="json")
    unknown = sorted(set(chosen) - {"model", *below})
    if unknown:
        raise UsageError(f"tags.grids: found {', '.join(unknown)}, expected {', '.join(below)} for {chosen['model']}")
    return {"model": chosen["model"], **below, **{name: value for name, value in chosen.items() if name != "model"}}
