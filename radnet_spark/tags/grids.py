"""The cells of a tag grid: from the settings alone, or from a named grid of `conf/tag_grids.yml`."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from radnet_spark.config import Tags, load_rules, with_values
from radnet_spark.errors import UsageError
from radnet_spark.lake.cells import Cell, combinations, grid_blocks, make_cells

STAGE = "tags"
NO_GRID = "none"

_LAYERS = ("first", "second", "third")


def tag_cells(settings: Tags, basis: Any) -> list[Cell]:
    """The cells to fit: one without a grid.

    Args:
        settings: the `tags` section.
        basis: what decides every cell's result beside its own settings.

    Raises:
        UsageError: the grid is not in the file, a block names something unknown or has a value of a wrong type or
            range, or no sizes decrease.
    """
    if not tries_many(settings):
        return make_cells(STAGE, [_complete({"model": settings.model}, settings)], [settings.seed], basis)
    blocks = grid_blocks("tags", load_rules(settings.grids), settings.grid, settings.model)
    return [cell for block in blocks for cell in _of_block(block, settings, basis)]


def tries_many(settings: Tags) -> bool:
    """Whether a grid is asked for."""
    return settings.grid != NO_GRID


def shapes(block: Mapping[str, list[int]]) -> list[tuple[int, ...]]:
    """Decreasing sizes out of lists of sizes, one list a layer, bottleneck last where there is one."""
    names = [name for name in (*_LAYERS, "bottleneck") if name in block]
    found = (tuple(chosen.values()) for chosen in combinations({name: block[name] for name in names}))
    return [sizes for sizes in found if all(above > below for above, below in pairwise(sizes))]


def _of_block(block: Mapping[str, Any], settings: Tags, basis: Any) -> list[Cell]:
    rest = {name: values for name, values in block.items() if name not in ("model", "seeds", *_LAYERS)}
    chosen: list[dict[str, Any]] = combinations(rest)
    if any(name in block for name in _LAYERS):
        sizes = {"bottleneck": [settings.autoencoder.bottleneck], **block}
        found, others = _decreasing(sizes), combinations({n: v for n, v in rest.items() if n != "bottleneck"})
        chosen = [{"layers": list(shape[:-1]), "bottleneck": shape[-1], **other}
                  for shape in found for other in others]  # fmt: skip
    complete = [_complete({"model": block["model"], **values}, settings) for values in chosen]
    return make_cells(STAGE, complete, block["seeds"], basis)


def _decreasing(sizes: Mapping[str, Any]) -> list[tuple[int, ...]]:
    for name in (*_LAYERS, "bottleneck"):
        if not all(type(size) is int for size in sizes.get(name, ())):
            raise UsageError(f"tags.grids: found {name}: {sizes[name]!r}, expected integers")
    found = shapes(sizes)
    if not found:
        shown = ", ".join(f"{name} {sizes[name]}" for name in (*_LAYERS, "bottleneck") if name in sizes)
        raise UsageError(f"tags.grids: found {shown}, expected sizes of which some decrease")
    return found


def _complete(chosen: Mapping[str, Any], settings: Tags) -> dict[str, Any]:
    """A cell's settings with all that it does not name itself."""
    of_model = {"ae": settings.autoencoder, "pca": settings.pca}
    if chosen["model"] not in of_model:
        raise UsageError(f"tags.grids: found model {chosen['model']}, expected one of {', '.join(of_model)}")
    model, own = chosen["model"], {name: value for name, value in chosen.items() if name != "model"}
    names = {"ae": "autoencoder", "pca": "pca"}
    return {"model": model, **with_values(of_model[model], ("tags", names[model]), own).model_dump(mode="json")}
