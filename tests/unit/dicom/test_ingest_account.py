from collections import Counter

import pytest

from radnet_spark.dicom.ingest_account import VersionCounts
from radnet_spark.errors import StageError

ROWS = [
    # state, reason, paths, instances lost, rows of quarantine lost, outdated
    ("instance", None, 90, 0, 1, 0),
    ("quarantine", "duplicate", 4, 0, 0, 0),
    ("quarantine", "empty", 1, 0, 0, 0),
    ("work", None, 7, 2, 0, 2),
    ("work", "not_dicom", 1, 0, 1, 0),
    ("gone", None, 3, 3, 0, 0),
    ("elsewhere", None, 50, 0, 0, 0),
]


def test_sums_are_those_of_the_rows():
    counts = VersionCounts.of(ROWS)
    assert (counts.listed, counts.work, counts.waiting, counts.lost, counts.replaced) == (103, 8, 4, 5, 2)
    assert counts.reasons == {"duplicate": 4, "empty": 1}
    assert counts.changes


def test_a_second_run_tells_what_is_new_from_totals():
    counts = VersionCounts.of(ROWS)
    summary = counts.account(95, {"empty": 2, "duplicate": 6}, {"instances": 7, "quarantine": 3})
    assert summary.extra == {"files_found": 103, "instances": 95, "quarantine": 8, "removed": 3}
    assert summary.dropped == {"duplicate": 6, "empty": 2}
    assert summary.notes == ["2 files were read again: de-identification key, settings or code are others now"]
    assert summary.facts == [
        "103 files found: 95 instances + 8 in quarantine",
        "8 of them read now, 95 as they were known",
        "3 files of earlier runs are no longer there",
    ]


def test_an_archive_without_a_readable_file_says_so():
    counts = VersionCounts.of([("work", "not_dicom", 4, 0, 0, 0)])
    (note,) = counts.account(0, {"not_dicom": 4}, {"instances": 0, "quarantine": 4}).notes
    assert note.startswith("none of 4 files is a DICOM instance")


def test_a_freed_duplicate_is_read_again():
    counts = VersionCounts(Counter({"instance": 2, "quarantine": 1}), Counter({"duplicate": 1}), freed=1)
    assert counts.changes
    assert counts.account(3, {}, {}).facts[1] == "1 of them read now, 2 as they were known"


def test_nothing_to_do_and_a_first_run():
    assert not VersionCounts.of(ROWS[1:3]).changes
    assert len(VersionCounts.of([("work", None, 5, 0, 0, 0)]).account(5, {}, {}).facts) == 1


def test_files_that_are_nowhere_are_an_error():
    with pytest.raises(StageError, match="103 files found, expected as many rows; instances 95 \\+ quarantine 7"):
        VersionCounts.of(ROWS).account(95, {"empty": 7}, {})
