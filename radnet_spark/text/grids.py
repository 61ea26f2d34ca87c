"""The cells of a text grid: from the settings alone, or from a named grid of `conf/text_grids.yml`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from radnet_spark.config import Text, load_rules, with_values
from radnet_spark.errors import UsageError
from radnet_spark.lake.cells import Cell, combinations, grid_blocks, make_cells
from radnet_spark.text.bag_of_words import BOW, TF_IDF
from radnet_spark.text.paragraph_vectors import PV_DBOW, PV_DM

STAGE = "text"
NO_GRID = "none"

_BAG = ("tokens", "min_count", "svd_components", "most_dimensions")
_PARAGRAPHS = (
    "tokens", "min_count", "vector_size", "epochs", "negative", "alpha", "min_alpha", "sample", "workers",
    "inference_epochs",
)  # fmt: skip
OF_MODEL = {PV_DBOW: _PARAGRAPHS, PV_DM: (*_PARAGRAPHS, "window"), BOW: _BAG, TF_IDF: _BAG}
_NOT_OF_TOKENS = {"embedding", "grid", "grids", "seed", "spark_nlp_path", *(n for of in OF_MODEL.values() for n in of)}


def text_cells(settings: Text, basis: Any) -> list[Cell]:
    """The cells to fit: one without a grid.

    Args:
        settings: the `text` section.
        basis: what decides every cell's result beside its own settings.

    Raises:
        UsageError: the grid is not in the file, or a block names something unknown.
    """
    if not tries_many(settings):
        return make_cells(STAGE, [_complete({"model": settings.embedding}, settings)], [settings.seed], basis)
    blocks = grid_blocks("text", load_rules(settings.grids), settings.grid, settings.embedding)
    return [cell for block in blocks for cell in _of_block(block, settings, basis)]


def tries_many(settings: Text) -> bool:
    """Whether a grid is asked for; one that varies only `text.embedding` is none where Spark NLP makes that model."""
    if settings.grid == NO_GRID or settings.embedding in OF_MODEL:
        return settings.grid != NO_GRID
    blocks = grid_blocks("text", load_rules(settings.grids), settings.grid, settings.embedding)
    return any(block["model"] != settings.embedding for block in blocks)


def of_tokens(section: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of the section `text` that decide how texts become tokens: they are no cell's own."""
    return {name: value for name, value in section.items() if name not in _NOT_OF_TOKENS}


def settings_of(cell: Mapping[str, Any], seed: int, section: Mapping[str, Any]) -> Text:
    """The section `text` as one cell has it."""
    own = {name: value for name, value in cell.items() if name != "model"}
    return Text(**{**section, **own, "embedding": cell["model"], "seed": seed})


def _of_block(block: Mapping[str, Any], settings: Text, basis: Any) -> list[Cell]:
    lists = {name: values for name, values in block.items() if name not in ("model", "seeds")}
    complete = [_complete({"model": block["model"], **chosen}, settings) for chosen in combinations(lists)]
    return make_cells(STAGE, complete, block["seeds"], basis)


def _complete(chosen: Mapping[str, Any], settings: Text) -> dict[str, Any]:
    """A cell's settings with all that it does not name itself."""
    model = chosen["model"]
    if model not in OF_MODEL:
        raise UsageError(f"text.grids or text.embedding: found model {model}, expected one of {', '.join(OF_MODEL)}")
    unknown = sorted(set(chosen) - {"model", *OF_MODEL[model]})
    if unknown:
        raise UsageError(f"text.grids: found {', '.join(unknown)}, expected {', '.join(OF_MODEL[model])} for {model}")
    checked = with_values(settings, ("text",), {name: value for name, value in chosen.items() if name != "model"})
    return {"model": model, **{name: getattr(checked, name) for name in OF_MODEL[model]}}
