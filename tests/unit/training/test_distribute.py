"""What ranks are told of the driver's environment."""

from __future__ import annotations

from radnet_spark.training.distribute import rank_environment


def test_secrets_are_taken_away_from_ranks() -> None:
    driver = {
        "PATH": "/bin",
        "HOROVOD_GLOO_IFACE": "lo",
        "RADNET_DEID_KEY": "k",
        "AWS_SECRET_ACCESS_KEY": "s",
        "PYSPARK_GATEWAY_SECRET": "g",
        "CUDA_VISIBLE_DEVICES": "0",
    }
    assert rank_environment(driver) == {  # PATH and the GPU are the rank's own
        "HOROVOD_GLOO_IFACE": "lo",
        "RADNET_DEID_KEY": None,
        "AWS_SECRET_ACCESS_KEY": None,
        "PYSPARK_GATEWAY_SECRET": None,
    }
