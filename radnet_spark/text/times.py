"""Times as diagnosis lists write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_CROATIAN = ("%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d/%m/%Y", "%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S")
_DATE_DOT = re.compile(r"\.\s+(?=\d{1,4}\.)")
_YEAR_DOT = re.compile(r"(\.\d{4})\.?\s*")
UNKNOWN = "9999"  # sorts after all times


def sortable_time(text: str | None) -> str:
    """ISO 8601 text that sorts by time: from ISO forms or Croatian ones (`14. 3. 2015. 10:05`).

    What is no time sorts after all times. A time without a zone is taken as UTC.
    """
    plain = (text or "").strip()
    try:
        return _utc(datetime.fromisoformat(plain))
    except ValueError:
        pass
    croatian = _YEAR_DOT.sub(r"\1 ", _DATE_DOT.sub(".", plain)).strip()
    for form in _CROATIAN:
        try:
            return _utc(datetime.strptime(croatian, form))
        except ValueError:
            continue
    return UNKNOWN


def _utc(time: datetime) -> str:
    return (time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)).isoformat()
