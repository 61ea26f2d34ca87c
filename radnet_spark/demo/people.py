"""People who don't exist, so that de-identification has something to remove."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from radnet_spark.demo.chance import pick, rules

_PATIENTS = 1  # names the stream of random numbers that makes patients, apart from that of exams


@dataclass(frozen=True, slots=True)
class Patient:
    """A patient: name as DICOM writes it, sex F or M, and what a hospital notes besides."""

    name: str
    patient_id: str
    sex: str
    born: date
    address: str
    weight: float
    height: float

    @property
    def spoken(self) -> str:
        """The name as a letter would write it."""
        surname, first = self.name.split("^")
        return f"{first} {surname}"

    def age(self, day: date) -> int:
        """Whole years on a day."""
        return day.year - self.born.year - ((day.month, day.day) < (self.born.month, self.born.day))


def patient(seed: int, number: int) -> Patient:
    """The patient with this number: always the same one, whoever asks."""
    rng, names = np.random.default_rng((seed, _PATIENTS, number)), rules("demo_people.yml")
    sex = "F" if rng.random() < 0.52 else "M"
    weight = float(np.clip(rng.normal(70 if sex == "F" else 84, 13), 40, 150))
    return Patient(
        name=f"{pick(rng, names['surnames'])}^{pick(rng, names['women' if sex == 'F' else 'men'])}",
        patient_id=str(rng.integers(10**8, 10**9)) if rng.random() > 0.015 else pick(rng, ["0", "***", "anonymous"]),
        sex=sex,
        born=date(2012, 6, 1) - timedelta(days=int(np.clip(rng.normal(52, 21), 3, 96) * 365.25)),
        address=f"{pick(rng, names['streets'])} {int(rng.integers(1, 120))}, {pick(rng, names['towns'])}",
        weight=round(weight, 1),
        height=round(float(rng.normal(1.66 if sex == "F" else 1.78, 0.07)), 2),
    )


def physician(rng: np.random.Generator) -> str:
    """The name of a doctor, as DICOM writes it."""
    names = rules("demo_people.yml")
    return f"{pick(rng, names['surnames'])}^{pick(rng, names['women'] + names['men'])}^^dr."
