"""Why an instance is not in the cohort, in the order in which the filters are applied."""

from enum import StrEnum


class Reason(StrEnum):
    """The first filter that an instance fails; each instance has at most one."""

    MODALITY = "modality"
    NOT_EXPORTED = "not_exported"
    TEST_IMAGE = "test_image"
    EXAM_TOO_LARGE = "exam_too_large"
    OVER_QUOTA = "over_quota"
