"""Broken files cost themselves, not the job: each is an instance or a row with a reason, and so with their images."""

import os
from collections import Counter

from radnet_spark.dicom import stage_images, stage_ingest
from tests.mutants import mutants

COUNT = int(os.environ.get("RADNET_MUTANTS", "300"))


def test_no_mutant_is_lost_and_none_ends_the_job(context, tmp_path, collection):
    folder = tmp_path / "mutants"
    kinds = Counter()
    for number, (kind, content) in enumerate(mutants(COUNT, 2026, collection)):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        (folder / kind / str(number)).write_bytes(content)
        kinds[kind] += 1
    summary = stage_ingest.run(context(input=[str(folder)]))
    assert summary.extra["files_found"] == kinds.total() == COUNT
    assert summary.extra["instances"] + summary.extra["quarantine"] == COUNT
    assert summary.extra["instances"] > 0
    assert len(summary.dropped) > 3
    images = stage_images.run(context())
    assert images.rows["images"] + sum(images.dropped.values()) == summary.extra["instances"]
