"""The page from made-up facts: whole, self-contained, honest about what is missing."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image
from report_facts import made_up_facts

from radnet_spark.config import Config, load_rules
from radnet_spark.report.comparison import CONFIRMED, OPEN, REFUTED, findings, fused_sources, score_rows
from radnet_spark.report.drawing import draw
from radnet_spark.report.facts import Facts
from radnet_spark.report.page import Pictures, render, summary

PAPER = load_rules("paper.yml")["rows"]
VOID = {"meta", "img", "br"}


class Balanced(HTMLParser):
    """Fails where tags are not closed in the order in which they were opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def page(facts: Facts, config: Config, pictures: Pictures | None = None) -> str:
    settings = config.model_dump(mode="json", by_alias=True)
    return render(facts, score_rows(facts, PAPER), findings(facts), pictures or Pictures(), settings)


def checked(html: str) -> str:
    parser = Balanced()
    parser.feed(html)
    assert parser.open == []
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#)""", html), "something is loaded from elsewhere"
    assert "<script" not in html
    return re.sub(r"<[^>]+>", " ", html)


def test_whole_page(config: Config) -> None:
    facts = made_up_facts()
    samples = {cluster.label: [np.full((20, 30), 90, np.uint8)] * 3 for cluster in facts.clusters}
    pictures = draw(facts, samples)
    html = page(facts, config, pictures)
    text = checked(html)
    assert html.count('class="card"') == len(facts.clusters)
    assert html.count("data:image/png;base64,") == len(pictures.named())
    for expected in ("1\u202f821", "no DICOM file", "paper: PV-DBOW + AE + CAE", "no grey-level window", "MR · KNEE",
                     "they agree in 91%", "personal data", "not missing completely at random",
                     "Manufacturer A &amp; B 83 %",
                     "3 rounds, number 2 kept", "3 tag values, 2 of them with gaps", "0.520", "-25%"):  # fmt: skip
        assert expected in text
    assert "password" not in text


@pytest.mark.parametrize("sources", [("image", "tags"), ("tags",)])
def test_missing_sources_are_said(config: Config, sources: tuple[str, ...]) -> None:
    text = checked(page(made_up_facts(1, sources), config))
    assert "There are no diagnoses" in text
    assert text.count("missing: not part of the result") == 3 - len(sources)


def test_nothing_at_all(config: Config) -> None:
    assert draw(Facts(), {}).named() == {}
    assert "Nothing here yet" in checked(page(Facts(), config))


def test_values_of_tables_are_escaped(config: Config) -> None:
    assert "<b>bad</b>" not in page(Facts(quarantine={"<b>bad</b>": 1}), config)


def test_hosts_and_accounts_are_not_shown(config: Config) -> None:
    secret = config.model_copy(update={"tracking": config.tracking.model_copy(update={"uri": "https://me:key@host"})})
    assert "me:key" not in page(made_up_facts(), secret)


def test_paper_rows_stand_beside_the_like() -> None:
    rows = {(row.source, row.split): row for row in score_rows(made_up_facts(), PAPER)}
    assert rows["fusion", "test"].paper["S"] == 0.666
    assert rows["fusion", "test"].paper["D"] == 2.416
    images = {"NMI_B": 0.43, "NMI_M": 0.459, "HS_B": 0.538, "HS_M": 0.744, "S": 0.519}
    assert rows["images", "validation"].paper == images
    assert rows["DICOM tags", "validation"].paper == {"D": 3.283}
    facts = made_up_facts()
    as_pca = [replace(c, model="pca") if c.source == "tags" else c for c in facts.clusterings]
    (pca,) = [r for r in score_rows(replace(facts, clusterings=as_pca), PAPER)
              if (r.source, r.split) == ("DICOM tags", "validation")]  # fmt: skip
    assert (pca.paper_name, pca.paper) == ("PCA", {"D": 3.405})
    two = {(r.source, r.split): r for r in score_rows(made_up_facts(3, ("image", "tags")), PAPER)}
    assert two["fusion", "validation"].paper_name == "AE + CAE"
    assert two["fusion", "validation"].paper["S"] == 0.593


def test_every_s_of_the_paper_is_the_harmonic_mean_of_its_row() -> None:
    whole = [row for row in PAPER if "S" in row]
    assert len(whole) == 7 + 24
    for row in whole:
        mean = 4 / sum(1 / row[name] for name in ("NMI_B", "NMI_M", "HS_B", "HS_M"))
        assert row["S"] == pytest.approx(mean, abs=0.003), row


def test_findings_follow_the_numbers() -> None:
    facts = made_up_facts()
    assert fused_sources(facts) == ("diagnosis", "tags", "image")
    scores = {
        (f"{source}-15", split): {"S": (s, None), "D": (d, None)}
        for split in ("validation", "test")
        for source, s, d in (("image", 0.5, 0.9), ("tags", 0.4, 0.5), ("diagnosis", 0.6, 0.9), ("fusion", 0.55, 0.4))
    }
    changed = Facts(clusterings=facts.clusterings, scores=scores, baseline={"S": 0.3})
    verdicts = [finding.verdict for finding in findings(changed)]
    assert verdicts == [CONFIRMED, REFUTED, CONFIRMED, CONFIRMED, OPEN, OPEN]
    assert {finding.verdict for finding in findings(Facts())} == {OPEN}


def test_summary_is_plain() -> None:
    import json

    facts = made_up_facts()
    plain = json.loads(json.dumps(summary(facts, score_rows(facts, PAPER), findings(facts))))
    assert plain["counts"]["instances"] == 1800
    assert len(plain["clusters"]) == 9
    assert plain["chosen"]["fusion"]["k"] == 15


def test_montage_keeps_every_image_whole() -> None:
    from radnet_spark.report.figures import montage

    images = [np.full((40, 20), value, np.uint8) for value in (50, 100, 150)]
    sheet = np.asarray(Image.open(io.BytesIO(montage(images, columns=2, side=40))))
    assert sheet.shape == (82, 82)
    assert (sheet[20, 20], sheet[20, 62], sheet[62, 20]) == (50, 100, 150)
    assert sheet[20, 2] == 0
