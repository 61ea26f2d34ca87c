"""Runs a function on several ranks at once: the one module that imports Horovod.

Ranks are ordinary Spark tasks that must all run at the same time, so no more of them are started than the session has
task slots. A rank keeps a short list of variables of its Spark worker's environment and takes another from the driver;
all others are taken away, so that no key or password reaches the code that trains.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import filterfalse
from typing import Any

import torch
from pyspark.sql import SparkSession

from radnet_spark.errors import RadnetError, StageError

logger = logging.getLogger(__name__)

OWN = (
    "PATH", "PYTHONPATH", "VIRTUAL_ENV", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR", "TZ", "LD_LIBRARY_PATH",
    "JAVA_HOME", "SPARK_HOME", "SPARK_LOCAL_IP", "PYSPARK_PYTHON", "HADOOP_CONF_DIR",
)  # fmt: skip
"""Variables that a rank keeps as its own machine has them."""
SENT = ("PYTHONHASHSEED", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "CUBLAS_WORKSPACE_CONFIG")
"""Variables that a rank takes from the driver."""
_OWN_PREFIXES, _SENT_PREFIXES = ("CUDA_", "NVIDIA_"), ("HOROVOD_", "GLOO_", "NCCL_")
_MARK = re.compile(r"^\[(\d+)\]<\w+>:")


class RanksError(StageError):
    """The ranks could not be started, or one of them failed."""


class LostRankError(RanksError):
    """A rank's process ended without a result, as when its machine or executor dies; another try may succeed."""


@dataclass(frozen=True)
class _Failure:
    """What a rank returns instead of a result, so that its message reaches the driver."""

    message: str


def possible_ranks(spark: SparkSession, wanted: int) -> int:
    """How many of the wanted ranks can run at the same time: one a task slot."""
    slots = spark.sparkContext.defaultParallelism // int(str(spark.conf.get("spark.task.cpus", "1")))
    return max(1, min(wanted, slots))


def run_on_ranks(
    spark: SparkSession,
    function: Callable[..., Any],
    ranks: int,
    arguments: Mapping[str, Any],
    start_timeout: int,
    say: Callable[[str], None] = logger.info,
) -> list[Any]:
    """Calls `function(collective, device, **arguments)` on each rank at once.

    Args:
        spark: the session whose task slots become ranks.
        function: of a module that the workers can import; what it returns must be picklable and small.
        ranks: how many; at most `possible_ranks`.
        arguments: plain data.
        start_timeout: seconds to wait for all ranks to be started.
        say: receives the lines that ranks print.

    Returns:
        What each rank returned, in rank order.

    Raises:
        LostRankError: a rank's process ended without a result.
        RanksError: no start within the timeout, or a rank failed; its own error is in the log.
    """
    import horovod.spark
    from horovod.runner.common.util.timeout import TimeoutException

    local = str(spark.sparkContext.master).startswith("local")
    try:
        with _signals_kept():
            results = horovod.spark.run(
                _on_rank, args=(function, dict(arguments)), num_proc=ranks, use_gloo=True,
                nics={"lo"} if local else None, env=rank_environment(os.environ), start_timeout=start_timeout,
                verbose=0, stdout=_Lines(say), stderr=_Lines(say), executable=spark.sparkContext.pythonExec,
            )  # fmt: skip
    except Exception as error:  # Horovod raises no narrower type
        kind = RanksError if isinstance(error, TimeoutException) else LostRankError
        raise kind(f"training on {ranks} ranks: {str(error).strip().split(chr(10))[0]}") from error
    failed = [result.message for result in results if isinstance(result, _Failure)]
    if failed:  # ranks that waited for the one that failed only know that it is gone
        message = next((text for text in failed if text != "HorovodInternalError"), failed[0])
        raise RanksError(f"training on {ranks} ranks: {message}")
    return list(results)


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Gives the driver's signal handlers back: Horovod puts in its own, after which Ctrl-C does nothing any more."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


class _Lines:
    """A file that hands on what is written to it, line by line, without Horovod's mark of rank and stream."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def write(self, text: str) -> int:
        for line in text.splitlines():
            if line.strip():
                self._say(_MARK.sub("", line))
        return len(text)

    def flush(self) -> None:
        """Lines are handed on at once."""


def rank_environment(environment: Mapping[str, str]) -> dict[str, str | None]:
    """How the driver's environment changes the ranks': a value is sent, None takes away, what is not named stays."""
    sent = {name: value for name, value in environment.items() if name in SENT or name.startswith(_SENT_PREFIXES)}
    return sent | {name: None for name in environment if not _allowed(name)}


def _allowed(name: str) -> bool:
    return name in OWN + SENT or name.startswith(_OWN_PREFIXES + _SENT_PREFIXES)


def _on_rank(function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    import horovod.torch as hvd

    hvd.init()
    for name in list(filterfalse(_allowed, os.environ)):  # what only the worker's machine knows
        del os.environ[name]
    logging.basicConfig(stream=sys.stderr, format="%(message)s")
    logging.getLogger("radnet_spark").setLevel(logging.INFO if hvd.rank() == 0 else logging.ERROR)
    try:
        if not torch.cuda.is_available():
            torch.set_num_threads(max(1, (os.cpu_count() or 1) // hvd.local_size()))
        return function(HorovodCollective(), _device(), **arguments)
    except RadnetError as error:
        logger.error("rank %d: %s", hvd.rank(), error)
        return _Failure(str(error))
    except Exception as error:  # its message may quote a patient's value
        logger.error("rank %d: %s", hvd.rank(), type(error).__name__)
        return _Failure(type(error).__name__)
    finally:
        hvd.shutdown()


def _device() -> str:
    """This rank's GPU as Spark assigned it, else by its number on this machine; the CPU where there is none."""
    import horovod.torch as hvd
    from horovod.spark.task import get_available_devices

    if not torch.cuda.is_available():
        return "cpu"
    assigned = get_available_devices()
    index = int(assigned[0]) if assigned else hvd.local_rank() % torch.cuda.device_count()
    torch.cuda.set_device(index)
    return f"cuda:{index}"


class HorovodCollective:
    """`Collective` by Horovod, inside a rank; see there."""

    def __init__(self) -> None:
        import horovod.torch as hvd

        self._hvd = hvd
        self.rank: int = hvd.rank()
        self.size: int = hvd.size()

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        """Element-wise mean over all ranks."""
        return self._hvd.allreduce(values, op=self._hvd.Average)

    def broadcast(self, value: Any) -> Any:
        """Rank 0's value on every rank."""
        return self._hvd.broadcast_object(value, root_rank=0)

    def wrap_optimizer(self, optimizer: torch.optim.Optimizer, model: torch.nn.Module) -> torch.optim.Optimizer:
        """Averages gradients while they are still being computed."""
        named = model.named_parameters()
        return self._hvd.DistributedOptimizer(optimizer, named_parameters=named, op=self._hvd.Average)
