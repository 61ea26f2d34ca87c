"""Do the missingness tests find gaps that depend on something, and leave those alone that do not?

The synthetic hospital's tags, 5,000 instances a seed, with gaps planted by `conf/demo_equipment.yml`: completely at
random, and with twice the odds in some modalities or at one vendor. Power: share of the dependent tags, over all seeds,
that are called so after Holm's correction. False positives: share of the random ones. Once with gaps in single
instances, once with gaps in whole exams, whose instances are no independent rows; the raw verdicts stand beside.

Run: `python benchmarks/missingness_power.py [SEEDS [INSTANCES]]`.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from itertools import islice

from radnet_spark.config import load_config
from radnet_spark.demo.tag_rows import PlantedGaps, planted_gaps, tag_rows
from radnet_spark.tags.columns import FeatureSet
from radnet_spark.tags.missingness import GapSample, Verdict, compared, gap_tests, verdicts
from radnet_spark.tags.preparation import TagPolicy, flatten
from radnet_spark.tags.selection import Statistics, select

SEEDS, INSTANCES = 20, 5000


def sample_of(planted: PlantedGaps) -> GapSample:
    """The rows as the stage would test them: its filters, its features, and Modality."""
    settings = load_config().tags
    policy, statistics = TagPolicy.load(include_modality_tags=False), Statistics()
    maps = [row.tags for row in planted.rows]
    for tags in maps:
        statistics.add(flatten(tags, policy))
    decisions = select(statistics, policy, settings.min_fill_rate, settings.min_distinct, settings.max_categories)
    features = compared(FeatureSet.of(decisions), statistics.by_source["Modality"].values)
    return GapSample.of(features.columns(maps, policy), [row.exam_id for row in planted.rows], features)


def judged(planted: PlantedGaps) -> dict[str, Verdict]:
    """Verdicts on the planted tags."""
    sample, alpha = sample_of(planted), load_config().tags.alpha
    tests = [test for tag in (*planted.random, *planted.dependent) for test in gap_tests(sample, tag, alpha)]
    return verdicts(((test.tag, test.p_value, test.p_corrected) for test in tests), alpha)


def main() -> None:
    """Prints power and false positives."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS
    instances = int(sys.argv[2]) if len(sys.argv) > 2 else INSTANCES
    for whole_exams in (False, True):
        begin, called, cases = time.perf_counter(), Counter[tuple[str, str]](), Counter[str]()
        for seed in range(1, seeds + 1):
            planted = planted_gaps(
                islice(tag_rows(seed, range(instances), complete=True), instances), seed, whole_exams
            )
            for tag, verdict in judged(planted).items():
                kind = planted.dependent.get(tag, "random")
                cases[kind] += 1
                called[kind, "raw"] += not verdict.raw
                called[kind, "corrected"] += not verdict.corrected
        print(f"{instances} instances, {seeds} seeds, gaps in {'whole exams' if whole_exams else 'single instances'}, "
              f"{(time.perf_counter() - begin) / seeds:.1f} s a seed")  # fmt: skip
        for kind, what in (("modality", "power"), ("vendor", "power"), ("random", "false positives")):
            shares = (called[kind, which] / cases[kind] for which in ("corrected", "raw"))
            print(f"  {kind:9} {what:16} {next(shares):.3f} after Holm's correction, {next(shares):.3f} raw, "
                  f"of {cases[kind]}")  # fmt: skip


if __name__ == "__main__":
    main()
