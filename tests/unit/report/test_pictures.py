"""What a notebook shows of somebody's own files."""

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file

from radnet_spark.annotator.inputs import file_rules, sections_of
from radnet_spark.errors import UsageError
from radnet_spark.report.pictures import pictures_of

CT = get_testdata_file("CT_small.dcm")


def test_files_with_burned_in_text_are_not_shown(config, tmp_path):
    rules, flagged = file_rules(sections_of(config)), []
    for value in ("YES", "yes ", "NO"):
        header = dcmread(get_testdata_file("MR_small.dcm"))
        header.BurnedInAnnotation = value
        header.save_as(tmp_path / value)
        flagged.append(str(tmp_path / value))
    assert pictures_of([*flagged[:2], CT], rules).png == pictures_of([CT], rules).png
    assert pictures_of([flagged[2], CT], rules).png != pictures_of([CT], rules).png
    with pytest.raises(UsageError, match="without burned-in text in 2 files"):
        pictures_of(flagged[:2], rules)
