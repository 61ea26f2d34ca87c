"""Every transfer syntax that pydicom's plugins decode here: listed in the docs, and tried on a real file."""

import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from conftest import REPOSITORY, SHARED_DICOM
from export_reference import Options, reference
from pydicom import dcmread
from pydicom.pixels import get_decoder
from pydicom.pixels.decoders.pylibjpeg import DECODER_DEPENDENCIES
from pydicom.uid import UID, AllTransferSyntaxes

from radnet_spark.config import load_config
from radnet_spark.dicom.export import Exported, export_image
from radnet_spark.dicom.reasons import DropReason
from radnet_spark.dicom.transfer_syntaxes import is_decodable, is_encapsulated

PAGE = (REPOSITORY / "docs" / "explanation" / "images.md").read_text(encoding="utf-8")
CT, OTHER = SHARED_DICOM / "cornerstone3D" / "testImages", SHARED_DICOM / "pydicom-data"
HIGH_THROUGHPUT = OTHER / "HTJ2KLossless_08_RGB.dcm"  # a lossless stream may stand under all three UIDs

FILES = {
    "1.2.840.10008.1.2": "MR_small_implicit.dcm",
    "1.2.840.10008.1.2.1": "CT_small.dcm",
    "1.2.840.10008.1.2.1.99": CT
    / "CTImage.dcm_DeflatedExplicitVRLittleEndianTransferSyntax_1.2.840.10008.1.2.1.99.dcm",
    "1.2.840.10008.1.2.2": "MR_small_bigendian.dcm",
    "1.2.840.10008.1.2.4.50": "examples_ybr_color.dcm",
    "1.2.840.10008.1.2.4.51": "JPGExtended.dcm",
    "1.2.840.10008.1.2.4.57": CT / "CTImage.dcm_JPEGProcess14TransferSyntax_1.2.840.10008.1.2.4.57.dcm",
    "1.2.840.10008.1.2.4.70": CT / "CTImage.dcm_JPEGProcess14SV1TransferSyntax_1.2.840.10008.1.2.4.70.dcm",
    "1.2.840.10008.1.2.4.80": "MR_small_jpeg_ls_lossless.dcm",
    "1.2.840.10008.1.2.4.81": SHARED_DICOM / "pylibjpeg-data" / "JPEGLS" / "CT1_JLSN.dcm",
    "1.2.840.10008.1.2.4.90": "MR_small_jp2klossless.dcm",
    "1.2.840.10008.1.2.4.91": "JPEG2000.dcm",
    "1.2.840.10008.1.2.4.201": HIGH_THROUGHPUT,
    "1.2.840.10008.1.2.4.202": HIGH_THROUGHPUT,
    "1.2.840.10008.1.2.4.203": HIGH_THROUGHPUT,
    "1.2.840.10008.1.2.5": "MR_small_RLE.dcm",
}


def offered() -> dict[str, set[str]]:
    """What pydicom decodes here → the libraries."""
    found = {}
    for uid in AllTransferSyntaxes:
        try:
            decoder = get_decoder(uid)
        except NotImplementedError:
            continue
        if decoder.is_available:
            packages = {"pylibjpeg": re.split("[>=]", DECODER_DEPENDENCIES.get(uid, ("",))[-1])[0]}
            names = [packages.get(name, name) for name in (decoder.available_plugins if is_encapsulated(uid) else ())]
            found[str(uid)] = set(names) or {"numpy"}
    return found


def test_the_page_lists_what_pydicom_offers():
    rows = re.findall(r"^\| `(1\.2\.840\.10008\.[\d.]+)` \| (.+?) \| (.+?) \|$", PAGE, re.MULTILINE)
    assert {uid: set(libraries.split(", ")) for uid, _, libraries in rows} == offered()
    assert all(UID(uid).name.startswith(name) for uid, name, _ in rows)


def test_every_one_of_them_is_tried():
    assert set(FILES) == set(offered())
    assert all(is_decodable(uid) for uid in FILES)
    assert not is_decodable("1.2.840.10008.1.2.4.53")  # retired; pydicom knows no decoder


@pytest.mark.parametrize("uid", FILES)
def test_a_real_file_of_each(uid, small_files, tmp_path):
    path = FILES[uid]
    if isinstance(path, str):
        path = next(file for file in small_files if file.name == path)
    elif not path.exists():
        pytest.skip("../shared is not there")
    dataset = dcmread(path)
    dataset.Modality, dataset.file_meta.TransferSyntaxUID = dataset.get("Modality") or "OT", UID(uid)
    copy = Path(tmp_path / "copy.dcm")
    dataset.save_as(copy)
    options = Options(estimate_window=True)
    ours = export_image(BytesIO(copy.read_bytes()), load_config().images.model_copy(update=vars(options)))
    expected = reference(copy, options)
    assert isinstance(ours, Exported), ours
    assert np.abs(ours.image.astype(int) - expected[0]).max() <= 1


def test_one_image_in_every_lossless_syntax_is_one_image():
    if not CT.is_dir():
        pytest.skip("../shared is not there")
    lossless = re.compile(
        r"(Endian|Lossless|LosslessOnly|Process14|Process14SV1|Deflated\w+)(Explicit|Implicit)?TransferS"
    )
    images = {}
    for path in sorted(CT.iterdir()):
        if lossless.search(path.name):
            found = export_image(BytesIO(path.read_bytes()), load_config().images)
            images[path.name] = found.image.tobytes()
    assert len(images) == 9
    assert len(set(images.values())) == 1


def test_the_page_has_every_reason():
    rows = re.findall(r"^\| `([a-z_]+)` \| .+ \|$", PAGE, re.MULTILINE)
    assert rows == [str(reason) for reason in DropReason]


def leaves(section, name):
    """Dotted name → value."""
    if not isinstance(section, dict):
        return {name: section}
    return {key: value for part in section for key, value in leaves(section[part], f"{name}.{part}").items()}


def test_the_page_has_every_setting_with_its_default():
    rows = dict(re.findall(r"^\| `(images\.[A-Za-z_.]+)` \| `(.+?)` \|", PAGE, re.MULTILINE))
    settings = leaves(load_config().images.model_dump(), "images")
    shown = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in settings.items()}
    assert rows == shown
