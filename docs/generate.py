"""MkDocs hook: the reference pages, made from the code, the settings and the schemas themselves."""

from __future__ import annotations

import html
import re
from functools import reduce
from pathlib import Path
from typing import Any

import yaml
from mkdocs.structure.files import File, Files

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = REPOSITORY / "radnet_spark"


def on_files(files: Files, config: Any) -> Files:
    """Adds the generated pages."""
    pages = {
        "reference/commands.md": commands(),
        "reference/settings.md": settings(),
        "reference/tables.md": tables(),
        **api(),
    }
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    return files


def commands() -> str:
    """The command line, as `--help` gives it."""
    from radnet_spark.cli import _parser

    verbs = next(action for action in _parser()._actions if action.dest == "verb").choices
    parts = ["# Commands\n", "Generated from the command line's own help.\n"]
    for name, verb in verbs.items():
        usage = verb.format_help()
        parts.append(f"## `radnet {name}`\n\n```text\n{usage}```\n")
    return "\n".join(parts)


def settings() -> str:
    """Every setting of `conf/base.yml` with its value and comment, a table a section."""
    parts = ["# Settings\n", "Generated from `conf/base.yml`. P: the paper, C: the authors' public code, S: the DICOM "
             "standard, O: our own choice.\n"]  # fmt: skip
    text = (REPOSITORY / "conf" / "base.yml").read_text(encoding="utf-8")
    values, prefix = yaml.safe_load(text), list[str]()
    for line in text.splitlines():
        found = re.match(r"^( *)([\w|-]+):(?:.*?# (.*))?", line)
        if not found:
            continue
        indent, key, comment = found[1], found[2], html.escape(found[3] or "", quote=False)
        prefix = [*prefix[: len(indent) // 2], key]
        if len(prefix) == 1:
            parts.append(f"\n## {key}\n\n{comment}\n\n| setting | value | unit, meaning, source |\n| --- | --- | --- |")
            continue
        value = reduce(lambda section, name: section[name], prefix, values)
        cells = (f"`{'.'.join(prefix)}`", "" if isinstance(value, dict) and value else f"`{_short(value)}`", comment)
        parts.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
    return "\n".join(parts) + "\n"


def _short(value: Any) -> str:
    text = (
        "null"
        if value is None
        else yaml.safe_dump(value, default_flow_style=True, width=1000).split("\n...")[0].strip()
    )
    return text if len(text) < 60 else f"{len(value)} values"


def tables() -> str:
    """Every table with its row, key and columns."""
    from radnet_spark.schemas import TABLES

    parts = ["# Tables\n", "Generated from `radnet_spark/schemas.py`. All are Delta tables.\n"]
    for name, table in TABLES.items():
        key = ", ".join(f"`{column}`" for column in table.key)
        parts.append(f"## {name}\n\nOne row: {table.row}. Written by `radnet {table.verb}`; key: {key}.\n")
        parts.append("| column | type |\n| --- | --- |")
        parts += [f"| `{column}` | `{kind}` |" for column, kind in table.columns.items()]
        parts.append("")
    return "\n".join(parts)


def api() -> dict[str, str]:
    """A page for each room, and their list."""
    rooms = sorted(path for path in PACKAGE.iterdir() if (path / "__init__.py").is_file())
    pages, listed = {}, ["# Modules\n", "Generated from the docstrings, a page a room.\n"]
    for room in rooms:
        modules = [path.stem for path in sorted(room.glob("*.py")) if path.stem != "__init__"]
        text = "\n".join(f"::: radnet_spark.{room.name}.{module}" for module in modules)
        pages[f"reference/api/{room.name}.md"] = f"# radnet_spark.{room.name}\n\n{text}\n"
        listed.append(f"- [{room.name}]({room.name}.md)")
    top = [path.stem for path in sorted(PACKAGE.glob("*.py")) if path.stem != "__init__"]
    pages["reference/api/top.md"] = "# radnet_spark\n\n" + "\n".join(f"::: radnet_spark.{name}" for name in top) + "\n"
    listed.append("- [top](top.md)")
    return {**pages, "reference/api/index.md": "\n".join(listed) + "\n"}
