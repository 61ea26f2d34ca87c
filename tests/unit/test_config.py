"""Settings: everything comes from YAML, mistakes are named with what was expected."""

from __future__ import annotations

import shutil

import pytest
import yaml

from radnet_spark.config import conf_file, config_hash, load_config
from radnet_spark.errors import UsageError


def test_later_files_and_overrides_win(tmp_path):
    extra = tmp_path / "mine.yml"
    extra.write_text("images:\n  size: 256\n  min_side_ratio: 0.2\n")
    config = load_config(["demo.yml", extra], ["images.size=64"])
    assert (config.images.size, config.images.min_side_ratio) == (64, 0.2)
    assert config.images.estimate_window is True  # of demo.yml, untouched by the later file


def test_unknown_key_names_the_nearest_right_one():
    with pytest.raises(
        UsageError, match=r"images\.siz: unknown setting; the nearest right name is images\.size"
    ) as raised:
        load_config(overrides=["images.siz=64"])
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("images.size=big", "images.size: found 'big'"),
        ("images.size=0", "images.size: found 0"),
        ("cohort.train_share=1.5", "cohort.train_share: found 1.5"),
        ("images.voi=cubic", "images.voi: found 'cubic'"),
        ("images=3", "images: found 3"),
        ("no_equals_sign", "expected key.path=value"),
    ],
)
def test_wrong_values_say_key_found_and_expected(override, message):
    with pytest.raises(UsageError) as raised:
        load_config(overrides=[override])
    assert message in str(raised.value)


def test_all_mistakes_are_listed_at_once():
    with pytest.raises(UsageError) as raised:
        load_config(overrides=["images.size=big", "coohrt.balance=true"])
    assert len(str(raised.value).splitlines()) == 2


def test_a_file_that_is_no_mapping(tmp_path):
    wrong = tmp_path / "list.yml"
    wrong.write_text("- 1\n")
    with pytest.raises(UsageError, match="expected a mapping"):
        load_config([wrong])


def test_missing_file():
    with pytest.raises(UsageError, match="found no such file"):
        load_config(["nowhere.yml"])


def test_settings_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        load_config().images.size = 3


def test_demo_changes_only_known_settings():
    base = yaml.safe_load(conf_file("base.yml").read_text())
    demo = yaml.safe_load(conf_file("demo.yml").read_text())

    def missing(high, low, path=""):
        for key, value in high.items():
            if key not in low:
                yield path + key
            elif isinstance(value, dict) and low[key]:  # an empty mapping takes any key
                yield from missing(value, low[key], f"{path}{key}.")

    assert list(missing(demo, base)) == []


def test_hash_ignores_the_order_of_keys_only():
    assert config_hash({"a": 1, "b": [1, 2]}) == config_hash({"b": [1, 2], "a": 1})
    assert config_hash({"b": [1, 2]}) != config_hash({"b": [2, 1]})


def test_the_content_of_a_rules_file_counts_not_its_name(tmp_path):
    own = tmp_path / "own.yml"
    shutil.copy(conf_file("body_parts.yml"), own)
    config = load_config([], [f"body_parts.rules={own}"])
    assert config.rules_hash(["body_parts"]) == load_config().rules_hash(["body_parts"])
    own.write_text(own.read_text(encoding="utf-8") + "\n# a change\n", encoding="utf-8")
    assert config.rules_hash(["body_parts"]) != load_config().rules_hash(["body_parts"])
    assert config.rules_hash(["images"]) == load_config().rules_hash(["images"])


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("cohort.train_share=0.95", "cohort: found train_share + test_share = 1.05, expected at most 1"),
        ("tags.autoencoder.layers=[10,20]", "tags.autoencoder: found layers and bottleneck [10, 20, 32]"),
        ("images.size=100", "images.size: found 100, expected a multiple of 16"),
        ("cluster.seeds=[]", "cluster.seeds: found []"),
        ("body_parts.rules=nope.yml", "body_parts.rules: found nope.yml"),
        ("evaluate.regions=nope.yml", "evaluate.regions: found nope.yml"),
    ],
)
def test_settings_that_can_not_work_together_are_said_at_once(override, expected):
    with pytest.raises(UsageError) as raised:
        load_config([], [override])
    assert str(raised.value).startswith(expected)


def test_every_setting_has_a_comment():
    lines = conf_file("base.yml").read_text(encoding="utf-8").splitlines()
    settings = [line for line in lines if line.startswith("  ") and not line.lstrip().startswith("- ")]
    assert len(settings) > 100
    assert [line for line in settings if "#" not in line] == []
