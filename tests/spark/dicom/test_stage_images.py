import os

from radnet_spark.dicom import stage_images, stage_ingest
from radnet_spark.dicom.frames import exported_files


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


def test_images_of_the_same_read_are_those_of_a_second_one(context, tables, archive, config, monkeypatch):
    stage_ingest.run(context(input=[str(archive)]))
    stage_images.run(context())
    apart = sorted(map(tuple, tables.read("images").collect()))
    aside = sorted(map(tuple, tables.read("dropped").collect()))
    for name in ("instances", "quarantine", "images", "dropped"):
        tables.delete(name, "true")

    def no_second_read(files, export):
        assert files.isEmpty()
        return exported_files(files, export)

    monkeypatch.setattr(stage_images, "exported_files", no_second_read)
    both = config.model_copy(update={"ingest": config.ingest.model_copy(update={"with_images": True})})
    summary = stage_ingest.run(context(config=both, input=[str(archive)]))
    assert sorted(map(tuple, tables.read("images").collect())) == apart
    assert sorted(map(tuple, tables.read("dropped").collect())) == aside
    assert summary.rows["images"] == len(apart) == 2
    assert tables.read("ingest_staging").isEmpty()
    version = tables.version("images")
    assert stage_ingest.run(context(config=both, input=[str(archive)])).rows["images"] == 0
    assert tables.version("images") == version
