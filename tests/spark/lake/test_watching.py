"""How far a long write has come."""

import time

from radnet_spark.lake import watching
from radnet_spark.lake.watching import watched


def test_shares_rise_while_tasks_run_and_end_with_the_body(spark, monkeypatch):
    monkeypatch.setattr(watching, "_SECONDS", 0.05)
    shares: list[float] = []
    with watched(spark, 8, shares.append):
        spark.sparkContext.parallelize(range(8), 8).map(lambda _: time.sleep(0.3)).count()
    seen = len(shares)
    assert shares == sorted(shares)
    assert {0.25, 0.5, 0.75} & set(shares)
    time.sleep(0.2)
    assert len(shares) == seen
