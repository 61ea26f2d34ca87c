"""Ctrl-C while Spark answers: its handler may fail before it says what happened."""

import pytest

from radnet_spark import cli

HANDLER = "def signal_handler(signal, frame):\n    raise RuntimeError('the gateway is busy')\n"


@pytest.mark.parametrize(("place", "said"), [("/x/pyspark/context.py", "stopped;"), ("/x/other.py", "RuntimeError")])
def test_an_error_of_sparks_handler_is_a_stop(place, said, monkeypatch, capsys):
    names = {}
    exec(compile(HANDLER, place, "exec"), names)

    def work(args):
        try:
            names["signal_handler"](2, None)
        except RuntimeError as error:
            raise ValueError("wrapped") from error

    monkeypatch.setitem(cli.COMMANDS, "status", work)
    assert cli.main(["status"]) == 1
    assert said in capsys.readouterr().err
