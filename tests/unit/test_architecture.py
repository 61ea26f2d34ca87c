"""Who may import what: one home for each external system, and rules that know no Spark."""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "radnet_spark"
SPARK_HOMES = (
    r"(lake/.*|.*/frames(_\w+)?|.*/stage_\w+|clusters/kmeans|text/(pipeline|document_frequencies|spark_nlp_vectors)|training/distribute"
    r"|notebook)\.py"
)
HOMES = {
    "pyspark": SPARK_HOMES,
    "delta": r"lake/tables\.py",
    "sparknlp": r"text/(pipeline|spark_nlp_vectors)\.py",
    "petastorm": r"training/feed\.py",
    "horovod": r"training/distribute\.py",
    "mlflow": r"(lake/tracking|annotator/(registry|pyfunc))\.py",
    "gensim": r"text/doc2vec\.py",
    "fsspec": r"dicom/stores\.py",
}


@cache
def imports(path: Path) -> set[str]:
    """Names of the packages that a module imports when it runs, at the top or inside functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    checked_only = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for child in ast.walk(node)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in checked_only:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


MODULES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("package", HOMES)
def test_each_external_system_has_its_homes(package):
    strangers = [
        str(path.relative_to(PACKAGE))
        for path in MODULES
        if package in imports(path) and not re.fullmatch(HOMES[package], str(path.relative_to(PACKAGE)))
    ]
    assert strangers == []


@pytest.mark.parametrize("package", HOMES)
def test_each_of_the_packages_is_really_used(package):
    assert any(package in imports(path) for path in MODULES)


def test_frames_never_read_write_count_or_collect():
    forbidden = re.compile(r"(?<!\bF)\.(collect|count|toPandas|first|head)\(\)|\.write\b|saveAsTable|SparkSession")
    for path in PACKAGE.rglob("frames*.py"):
        code = "\n".join(line.split("#")[0] for line in path.read_text(encoding="utf-8").splitlines())
        assert not forbidden.search(code), path


def test_every_verb_has_a_launcher():
    from radnet_spark.cli import COMMANDS

    launchers = {path.stem for path in (PACKAGE.parent / "jobs").glob("*.py")}
    assert launchers == set(COMMANDS) - {"profile"}  # which needs no Spark
    assert not launchers & sys.stdlib_module_names  # their folder comes first where modules are looked for
