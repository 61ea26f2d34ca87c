"""The command line's promises that need no Spark: exit codes and messages."""

from __future__ import annotations

import pytest

from radnet_spark.cli import COMMANDS, main


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["ingest", "--input", "not-there"], "not-there"),
        (["ingest", "--input", ".", "--set", "images.siz=3"], "images.size"),
        (["run", "--input", ".", "--diagnoses", "not-there.csv"], "not-there.csv"),
        (["status", "--root", "not-there"], "not-there"),
        (["stem", "--file", "not-there.txt"], "not-there.txt"),
        (["images", "--conf", "not-there.yml"], "not-there.yml"),
    ],
)
def test_wrong_usage_is_exit_2_and_writes_nothing(argv, expected, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(argv) == 2
    assert expected in capsys.readouterr().err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "argv", [["no-such-verb"], ["cluster", "--source", "x"], ["ingest"], ["run", "--input", ".", "--limit", "0"]]
)
def test_argparse_errors_are_exit_2(argv):
    with pytest.raises(SystemExit) as raised:
        main(argv)
    assert raised.value.code == 2


def test_an_unforeseen_error_shows_its_place_but_not_its_text(monkeypatch, capsys):
    def fail(args):
        raise ValueError("Horvat Ivana, 1950")

    monkeypatch.setitem(COMMANDS, "images", fail)
    assert main(["images"]) == 1
    message = capsys.readouterr().err
    assert "ValueError" in message
    assert "Horvat" not in message
