"""Tokens and stems: the saved Spark NLP pipeline on two cores against one Python loop with croatian-stemmer; masking.

Run: `python benchmarks/bench_text.py [TEXTS [ROUNDS]]`, by default 20,000 texts. With 1000000 it shows that memory does
not grow with them. Texts are the demo hospital's, each made different by a number and an order of sentences.
"""

from __future__ import annotations

import random
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median

import croatian_stemmer
import psutil
from pyspark.sql import DataFrame

from radnet_spark.config import load_config
from radnet_spark.demo.exams import plan_exam
from radnet_spark.demo.findings import diagnoses
from radnet_spark.lake.session import open_session
from radnet_spark.text.masking import masked
from radnet_spark.text.pipeline import text_pipeline
from radnet_spark.text.stemming import TextRules

_WORD = re.compile(r"\w+")
EXAMS, RIVAL_TEXTS = 3000, 1000


def main() -> None:
    """Prints texts/s of both, their ratio by the clock and by processor time, and the peak of memory."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    base = [text for n in range(EXAMS) for _, text in diagnoses(plan_exam(1, n, EXAMS))]
    config = load_config()
    spark = open_session(config.spark, master="local[2]")
    try:
        frame = spark.range(wanted, numPartitions=max(2, wanted // 20_000)).mapInPandas(
            _maker(base), "diagnosis string"
        )
        model = text_pipeline(TextRules.of(config.text)).fit(frame)
        made = sum(len(_WORD.findall(text)) for text in base) / len(base)
        print(f"texts: {wanted} of {made:.0f} words")
        _run(model.transform(frame.limit(4000)))  # the JVM compiles its code
        with _peak() as peak:
            rival, ours = [], []
            for _ in range(rounds):
                rival.append(_timed(lambda: _plain(base[:RIVAL_TEXTS]), RIVAL_TEXTS))
                ours.append(_timed(lambda: _run(model.transform(frame)), wanted))
        for name, found in (("plain loop", rival), ("pipeline", ours)):
            wall, cpu = (median(values) for values in zip(*found, strict=True))
            print(f"{name:>10}: {wall:8.0f} texts/s, {cpu:8.0f} per s of processor")
        ratios = sorted(a[0] / b[0] for a, b in zip(ours, rival, strict=True))
        by_processor = 2 * median(cpu for _, cpu in ours) / median(cpu for _, cpu in rival)
        print(f"ratio: {median(ratios):.2f} (from {ratios[0]:.2f} to {ratios[-1]:.2f})")
        print(f"ratio that two free cores would give, by processor time: {by_processor:.2f}")
        print(f"memory of all processes: {peak[0] / 2**30:.1f} GiB")
        _, masks = _timed(lambda: [masked(text) for text in base], len(base))
        print(f"   masking: {masks:8.0f} texts per s of processor")
    finally:
        spark.stop()


def _maker(base: list[str]) -> Callable[..., Iterator]:
    def make(frames: Iterator) -> Iterator:
        for frame in frames:
            texts = []
            for n in frame["id"]:
                sentences = base[n % len(base)].split(". ")
                random.Random(int(n)).shuffle(sentences)
                texts.append(f"{'. '.join(sentences)} broj {n}")
            yield frame.assign(diagnosis=texts)[["diagnosis"]]

    return make


def _plain(texts: list[str]) -> None:
    for text in texts:
        [croatian_stemmer.stem(word) for word in _WORD.findall(text.lower())]


def _run(frame: DataFrame) -> None:
    frame.select("stems").write.format("noop").mode("overwrite").save()


def _timed(work: Callable[[], object], texts: int) -> tuple[float, float]:
    """Texts a second, by the clock and by processor time of this process and its children."""
    begin, used = time.perf_counter(), _processor()
    work()
    return texts / (time.perf_counter() - begin), texts / (_processor() - used)


def _processor() -> float:
    times = [process.cpu_times() for process in _family()]
    return sum(t.user + t.system for t in times)


def _family() -> list[psutil.Process]:
    me = psutil.Process()
    return [me, *me.children(recursive=True)]


@contextmanager
def _peak() -> Iterator[list[int]]:
    """The largest sum of proportional set sizes, looked at once a second."""
    found, over = [0], threading.Event()

    def look() -> None:
        while not over.wait(1):
            try:
                found[0] = max(found[0], sum(process.memory_full_info().pss for process in _family()))
            except psutil.Error:
                continue

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield found
    finally:
        over.set()
        watcher.join()


if __name__ == "__main__":
    main()
