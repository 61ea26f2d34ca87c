import os

from radnet_spark.dicom import stage_images, stage_ingest


def exported(tables):
    return {row["sop_instance_uid"]: row["export_hash"] for row in tables.read("images").collect()}


def test_only_what_is_missing_or_outdated(context, tables, archive, config):
    stage_ingest.run(context(input=[str(archive)]))
    estimating = config.model_copy(update={"images": config.images.model_copy(update={"estimate_window": True})})
    first = stage_images.run(context(config=estimating))
    assert first.rows["images"] == 2
    version = tables.version("images")
    assert stage_images.run(context(config=estimating)).rows["images"] == 0
    assert tables.version("images") == version

    ct = archive / "deep" / "er" / "ct.dcm"
    os.utime(ct, (1_800_000_000, 1_800_000_000))
    stage_ingest.run(context(input=[str(archive)]))
    stage_images.run(context(config=estimating))
    assert len(exported(tables)) == 2
    assert tables.version("images") == version + 1

    smaller = estimating.model_copy(update={"images": estimating.images.model_copy(update={"size": 32})})
    stage_images.run(context(config=smaller))
    assert {row["height"] for row in tables.read("images").collect()} == {32}
    assert len(set(exported(tables).values())) == 1
