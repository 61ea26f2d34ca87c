"""Launcher of `radnet screen` for spark-submit; takes the same options."""

import sys

from radnet_spark.cli import main

if __name__ == "__main__":
    code = main(["screen", *sys.argv[1:]])
    if code:
        sys.exit(code)
