"""What can be done with a transfer syntax here, with the decoders that are installed."""

from __future__ import annotations

from functools import lru_cache

from pydicom.pixels import get_decoder
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

_NATIVE = frozenset(
    {ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian}
)


@lru_cache(maxsize=256)
def is_decodable(uid: str) -> bool:
    """Whether pydicom has a decoder for its pixels whose libraries are there."""
    try:
        return bool(get_decoder(UID(uid)).is_available)
    except NotImplementedError:
        return False


def is_encapsulated(uid: str) -> bool:
    """Whether pixels are compressed frames, which only a child process may decode; unknown syntaxes count as such."""
    return UID(uid) not in _NATIVE
