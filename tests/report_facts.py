"""A report's facts as a run could leave them, made up."""

from __future__ import annotations

import math

import numpy as np

from radnet_spark.report.facts import Cluster, Clustering, Facts, StageRun
from radnet_spark.report.grid_facts import ScreenedModel, StemsOrWords
from radnet_spark.report.tag_facts import DecidedTag, Dependence, TagFacts
from radnet_spark.report.text_facts import FrequentWords, Lengths, TextFacts
from radnet_spark.tags.imputation import TagImputation

MODALITIES = ("CR", "CT", "MR", "RF", "XA")
PARTS = ("CHEST", "ABDOMEN", "KNEE", "HEAD", "LSPINE", "HAND", "ANKLE", "HEART", "PELVIS", "unknown")
MODELS = {"image": "cae-pca64", "tags": "ae", "diagnosis": "pv_dbow"}


def made_up_facts(clusters: int = 9, sources: tuple[str, ...] = ("image", "tags", "diagnosis")) -> Facts:
    """Facts of a finished run over some sources."""
    random = np.random.default_rng(1)
    fusion = "+".join(MODELS[s] for s in ("diagnosis", "tags", "image") if s in sources)
    clusterings = [
        Clustering(f"{source}-{k}", source, fusion if source == "fusion" else MODELS[source],
                   "embeddings" if source == "fusion" else None, "kmeans", "euclidean", k, 1,
                   1000 * math.exp(-k / 12) + 90, k == 15, k == 15)
        for source in (*sources, "fusion") for k in (5, 10, 15, 20, 25, 30)
    ]  # fmt: skip
    scores = {}
    for source in (*sources, "fusion"):
        for split in ("validation", "test"):
            names = ("NMI_B", "NMI_M", "HS_B", "HS_M", "S", "D_image", "D_diagnosis", "D")
            scores[f"{source}-15", split] = {
                name: (float(random.uniform(0.4, 0.7)), 0.11 if name.startswith("D_") else None)
                for name in names if not name.startswith("D") or source in ("tags", "fusion")
            }  # fmt: skip
    runs = [
        StageRun("ingest", "done", "2026-01-02 03:04:05", 12.3, {"instances": 1800, "quarantine": 21}, {},
                 ["1821 files found"], []),
        StageRun("images", "done", "2026-01-02 03:05:05", 75.0, {"images": 1700},
                 {"no_window": 60, "almost_black": 40}, [], ["a window was estimated for 12 images"]),
        StageRun("text", "nothing_to_do", "2026-01-02 03:06:05", 0.2, {}, {}, [], []),
    ]  # fmt: skip
    made = [_cluster(label, random) for label in range(clusters)]
    history = [{"train_loss": 0.08 / (i + 1) + 0.01, "validation_loss": 0.09 / (i + 1) + 0.012} for i in range(12)]
    return Facts(
        counts={"instances": 1800, "quarantine": 21, "images": 1700, "cohort": 1500, "annotations": 1800}
        | ({"exams": 320} if "diagnosis" in sources else {}),
        runs=runs, quarantine={"not_dicom": 12, "truncated": 6, "duplicate": 3},
        dropped=[("cohort", "exam", "too_many_instances", 1), ("images", "instance", "no_window", 60)],
        contents={(m, p): int(random.integers(1, 300)) for m in MODALITIES for p in PARTS if random.random() > 0.3},
        splits={(m, s): n for m in MODALITIES for s, n in (("train", 240), ("validation", 30), ("test", 30))},
        clusterings=clusterings, scores=scores, main=clusterings[-4], clusters=made,
        histories={"image encoder": history, "tag autoencoder": history},
        baseline={"NMI_B": 0.31, "NMI_M": 0.35, "HS_B": 0.4, "HS_M": 0.5, "S": 0.377},
        annotated={"diagnosis+tags+image": 1500, "tags+image": 280, "no_source": 20}, tags=made_up_tags(random),
        texts=made_up_texts() if "diagnosis" in sources else TextFacts(),
    )  # fmt: skip


def made_up_texts() -> TextFacts:
    """Diagnoses of a finished run with a grid."""
    return TextFacts(
        {"model": "pv_dbow", "vocabulary": 2345, "vector_size": 100},
        [Lengths("characters", 280.3, [20, 60, 150, 270, 400, 900, 8000]),
         Lengths("words", 47.26, [1, 9, 24, 41, 60, 130, 1290])],
        [FrequentWords(1, 4321, 1.0), FrequentWords(5, 2345, 0.953)],
        [ScreenedModel("pv_dbow", "vector_size 100, seed 2", 0.612, 20, 4),
         ScreenedModel("bow", "min_count <50>, seed 1", 0.553, 15, 2)],
        [StemsOrWords("pv_dbow", 5, (0.5301, 0.0521), (0.5049, 0.0468), (0.0252, 0.0307), 4),
         StemsOrWords("bow", 1, (0.2, None), (0.3, None), (-0.1, None), 0)],
    )  # fmt: skip


def made_up_tags(random: np.random.Generator, count: int = 50) -> TagFacts:
    """Body parts and tags of a finished run; more tags than the map of gaps shows."""
    names = [f"{'PercentPhaseFieldOfView' if n % 7 == 0 else 'ExposureTime'}{n}" for n in range(count)]
    body_part = {"fill_before": 0.58, "fill_before_normalised": 0.57, "fill_after": 0.93, "unmatched": 120,
                 "compared": 700, "agreement": 0.91,
                 "helper_fill": {"study_description": 0.9, "protocol_name": 0.64}}  # fmt: skip
    figures = {"kept_after": {"all": 60, "fill_rate": 52, "modality_tag": count}, "missingness_rows": 1200,
               "missingness_exams": 400, "tested_for_gaps": count, "not_mcar": 30,
               "not_mcar_corrected": 20, "imputation": {"rounds_run": 3, "rounds_kept": 2}}  # fmt: skip
    decided = [DecidedTag(name, 0.7, 12, True, None, n % 2 == 0, True) for n, name in enumerate(names)]
    decided.append(DecidedTag("PatientName", 1.0, 900, False, "personal_data", None, None))
    gaps = {(a, b): Dependence(float(random.beta(1, 5)), bool(random.random() < 0.2))
            for a in names for b in (*names, "Modality") if a != b and random.random() < 0.8}  # fmt: skip
    filled = [TagImputation("KVP", "continuous", 0.41, 0.52, 0.6, 1.0, 0.48),
              TagImputation("PatientSex", "categorical", 0.06, 0.5, None, 0.4, -0.25),
              TagImputation("Grid", "categorical", 0, None, None, None, None)]  # fmt: skip
    screened = [ScreenedModel("ae", "bottleneck 32, seed 1", 0.301, 20, 8)]
    return TagFacts(body_part, figures, decided, gaps, filled, screened)


def _cluster(label: int, random: np.random.Generator) -> Cluster:
    modality, part = MODALITIES[label % 5], PARTS[label % 9]
    share = float(random.uniform(0.5, 1))
    rest = [(p, (1 - share) / 5) for p in PARTS if p != part][:5]
    return Cluster(
        label, f"{modality} · {part}", 300 - 20 * label, 330 - 20 * label, modality, part, share,
        [(modality, share), (MODALITIES[(label + 1) % 5], 1 - share)], [(part, share), *rest],
        ["pluć", "sjen", "izlj", "prijelom", "uredn", "zglob", "medijastin", "kompjuteriziran"],
        ["SliceThickness 5 mm", "Manufacturer A & B 83 %"],
    )  # fmt: skip
