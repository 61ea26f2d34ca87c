"""The command line's promises that need no Spark: exit codes and messages."""

from __future__ import annotations

import pytest

from radnet_spark.cli import COMMANDS, main
from radnet_spark.config import load_config
from radnet_spark.pipeline import grids, overlap, plan


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["ingest", "--input", "not-there"], "not-there"),
        (["ingest", "--list", "not-there"], "not-there"),
        (["ingest"], "found neither"),
        (["ingest", "--input", ".", "--set", "images.siz=3"], "images.size"),
        (["run", "--input", ".", "--diagnoses", "not-there.csv"], "not-there.csv"),
        (["run", "--input", "s3a://bucket/pacs"], "Install s3fs"),
        (["ingest", "--input", "abfss://pacs@account.dfs.core.windows.net/ct"], "Install adlfs"),
        (["profile", "--input", "gs://bucket/pacs"], "gcsfs"),
        (["annotate", "--input", "nothing://pacs"], "no such store"),
        (["ingest", "--input", "memory://not-there"], "memory://not-there"),
        (["demo", "--root", "s3a://bucket/root"], "expected a local folder"),
        (["status", "--root", "not-there"], "not-there"),
        (["images", "--root", "/proc/radnet"], "--root: /proc/radnet can't be made"),
        (["stem", "--file", "not-there.txt"], "not-there.txt"),
        (["stem", "--file", "/"], "expected a UTF-8 text file"),
        (["images", "--conf", "not-there.yml"], "not-there.yml"),
        (["tags", "--set", "tags.grids=not-there.yml"], "tags.grids"),
    ],
)
def test_wrong_usage_is_exit_2_and_writes_nothing(argv, expected, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(argv) == 2
    assert expected in capsys.readouterr().err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "argv", [["no-such-verb"], ["cluster", "--source", "x"], ["diagnoses"], ["run", "--input", ".", "--limit", "0"]]
)
def test_argparse_errors_are_exit_2(argv):
    with pytest.raises(SystemExit) as raised:
        main(argv)
    assert raised.value.code == 2


def test_a_grid_is_screened_after_the_choice_of_its_judges():
    assert grids(load_config()) == grids(load_config(["demo.yml"], ["text.embedding=spark_nlp_doc2vec"])) == []
    assert grids(load_config(["demo.yml"])) == ["diagnosis"]
    screened = grids(load_config([], ["tags.grid=default", "text.grid=default"]))
    with_grid, without = (plan({"input": ["x"]}, ["y"], screened=sources) for sources in (screened, []))
    place = with_grid.index(("screen", {"source": "tags"}))
    assert with_grid[place + 1] == ("cluster", {"source": "tags"})
    texts = with_grid.index(("screen", {"source": "diagnosis"}))
    assert texts < with_grid.index(("evaluate", {"source": "image"}))  # whose D is taken in what it leaves
    assert all(("evaluate", {"source": source}) in with_grid[:place] for source in ("image", "diagnosis"))
    assert [step for step in with_grid if step[0] != "screen"] == without


def test_an_unforeseen_error_shows_its_place_but_not_its_text(monkeypatch, capsys):
    def fail(args):
        raise ValueError("Horvat Ivana, 1950")

    monkeypatch.setitem(COMMANDS, "images", fail)
    assert main(["images"]) == 1
    message = capsys.readouterr().err
    assert "ValueError" in message
    assert "Horvat" not in message


def test_a_file_that_is_no_utf_8_is_wrong_usage(tmp_path, capsys):
    (tmp_path / "old.txt").write_bytes("pluća".encode("cp1250"))
    assert main(["stem", "--file", str(tmp_path / "old.txt")]) == 2
    assert "UnicodeDecodeError" in capsys.readouterr().err


def test_limit_takes_the_first_lines(tmp_path, capsys):
    (tmp_path / "texts.txt").write_text("MR mozga\nCT toraksa\nRTG šake\n", encoding="utf-8")
    assert main(["body-part", "--file", str(tmp_path / "texts.txt"), "--limit", "2"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("labels", "labels/source=image", True),
        ("labels/source=image", "labels", True),
        ("labels/source=image", "labels/source=image", True),
        ("labels/source=image", "labels/source=tags", False),
        ("images", "train_images", False),
        ("labels", "labelset/source=image", False),
    ],
)
def test_tables_and_parts_overlap(one, other, shared):
    assert overlap(one, other) is shared
