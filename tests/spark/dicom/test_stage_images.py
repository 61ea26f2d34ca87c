import os

from radnet_spark.dicom import stage_images, stage_ingest
from radnet_spark.dicom.frames import exported_files
from radnet_spark.schemas import TABLES


def rows(tables, name):
    return sorted(map(tuple, tables.read(name).collect()))


def test_by_the_same_read_by_another_and_only_what_is_outdated(context, tables, archive, config, monkeypatch):
    def no_second_read(files, export):
        assert files.isEmpty()
        return exported_files(files, export)

    both = config.model_copy(update={"ingest": config.ingest.model_copy(update={"with_images": True})})
    with monkeypatch.context() as patch:
        patch.setattr(stage_images, "exported_files", no_second_read)
        summary = stage_ingest.run(context(config=both, input=[str(archive)]))
    assert summary.rows["images"] == 2
    assert tables.read("ingest_staging").isEmpty()
    before = {name: tables.version(name) for name in TABLES if tables.exists(name)}
    assert stage_ingest.run(context(config=both, input=[str(archive)])).rows["images"] == 0
    assert {name: tables.version(name) for name in TABLES if tables.exists(name)} == before
    assert {"instances", "quarantine", "images", "dropped"} <= set(before)
    version, same_read = tables.version("images"), rows(tables, "images")
    assert stage_images.run(context()).rows["images"] == 0
    assert tables.version("images") == version

    tables.delete("images", "true")
    assert stage_images.run(context()).rows["images"] == 2
    assert rows(tables, "images") == same_read

    version = tables.version("images")
    os.utime(archive / "deep" / "er" / "ct.dcm", (1_800_000_000, 1_800_000_000))
    stage_ingest.run(context(input=[str(archive)]))
    smaller = config.model_copy(update={"images": config.images.model_copy(update={"size": 32})})
    assert stage_images.run(context()).extra == {"images": 2}
    assert tables.version("images") == version + 1
    stage_images.run(context(config=smaller))
    found = tables.read("images").collect()
    assert {row["height"] for row in found} == {32}
    assert len(found) == 2
    assert len({row["export_hash"] for row in found}) == 1


def test_what_was_refused_is_not_tried_again_and_keeps_its_reason(context, tables, archive, config, monkeypatch):
    strict = config.model_copy(update={"images": config.images.model_copy(update={"max_pixels": 100})})
    stage_ingest.run(context(input=[str(archive)]))
    first = stage_images.run(context(config=strict))
    assert first.dropped == {"too_large": 2}
    before = rows(tables, "dropped")

    def no_read(files, export):
        assert files.isEmpty()
        return exported_files(files, export)

    with monkeypatch.context() as patch:
        patch.setattr(stage_images, "exported_files", no_read)
        again = stage_images.run(context(config=strict))
    assert again.dropped == {"too_large": 2}
    assert rows(tables, "dropped") == before
    older = context().spark.createDataFrame([("staged by code with other columns",)], "path string")
    older.write.format("delta").mode("overwrite").option("overwriteSchema", "true").save(tables.path("ingest_staging"))
    assert stage_images.run(context(limit=1)).rows["images"] == 1  # other settings: tried again, one of them now
