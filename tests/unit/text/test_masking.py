"""Persons in texts; the check digits are of published examples."""

import pytest

from radnet_spark.text.masking import is_jmbg, is_oib, masked


def test_check_digits():
    assert is_oib("94577403194")  # the example of the tax administration's description
    assert not is_oib("94577403195")
    assert is_jmbg("0308964384007")  # the example of the form R-S
    assert not is_jmbg("0308964384008")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("OIB 94577403194, MBO: 123456789", "OIB ***, MBO: ***"),
        ("broj 94577403194 uz 0308964384007", "broj *** uz ***"),
        ("Tel. 051/658-111 ili +385 91 234 5678, (01) 2345 678", "Tel. *** ili ***, ***"),
        ("snimljeno 12.03.2015. i 3. 4. 2016, 2015-03-14", "snimljeno *** i ***, ***"),
        ("od 14. ožujka 2015. nadalje", "od *** nadalje"),
        ("Prof. dr. sc. Ana-Marija Kovačić Babić, radiolog", "Prof. dr. sc. ***, radiolog"),
        ("prim.dr. I. Horvat; DR. ŽELJKA ŠĆIRIĆ", "prim.dr. ***; DR. ***"),
        ("Pacijentica Mara Marić dolazi", "Pacijentica *** dolazi"),
        ("Dr Horvat, prof Ivo Ivić", "Dr ***, prof ***"),
        ("uredan nalaz. bolesnica ivana horvat.", "uredan nalaz. bolesnica ***."),
        ("uredan nalaz. očitao dr. kovačevski", "uredan nalaz. očitao dr. ***"),
        ("Bolessnica Vesna Čolakovac", "Bolessnica ***"),
    ],
)
def test_persons_are_masked(text, expected):
    assert masked(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Tumor 12.5 x 3.4 cm, 3x4 mm, 0,5-1,2 cm, L4/L5, Th12, T2 3.5",
        "Bolesnik je bez tegoba. Pluća su uredna.",
        "bolesnik bez tegoba. pacijent ima bolove. pluća su uredna.",
        "Stanje nakon prijeloma, kontrola za 6 mjeseci, 10 mg/kg",
        "Desni bubreg 110 mm, lijevi 112 mm; AP promjer 25,3 mm",
    ],
)
def test_findings_stay(text):
    assert masked(text) == text
