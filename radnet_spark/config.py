"""Settings: every one has its value, unit and source in `conf/base.yml`, and its type and range here.

The models have no defaults on purpose: a value has one home, the YAML file that people read.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Self, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from radnet_spark.errors import UsageError

Positive = Annotated[int, Field(gt=0)]
NonNegative = Annotated[int, Field(ge=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
T = TypeVar("T")
Several = Annotated[list[T], Field(min_length=1)]
TextEmbedding = Literal["pv_dbow", "pv_dm", "bow", "tf_idf", "spark_nlp_doc2vec", "spark_nlp_model"]


class Section(BaseModel):
    """A group of settings; unknown keys are errors and values can't be changed after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


SectionT = TypeVar("SectionT", bound=Section)


class Spark(Section):
    master: str | None
    driver_memory: str
    packages: list[str]
    excludes: list[str]
    ivy_settings: str | None
    shuffle_partitions: Positive | None
    conf: dict[str, str]


class Storage(Section):
    catalog: str | None
    schema_name: str | None
    files: str | None


class Tracking(Section):
    uri: str | None
    registry_uri: str | None
    experiment: str


class Deidentify(Section):
    enabled: bool
    secret_scope: str | None
    secret_name: str
    date_shift_days: Positive
    placeholders: list[str]


class Ingest(Section):
    checksum: bool
    with_images: bool
    keep_private: bool
    max_value_bytes: Positive
    files_per_task: Positive
    profile_files: Positive


class Diagnoses(Section):
    exam_id_column: str
    diagnosis_column: str
    time_column: str
    delimiter: str | None
    min_length: NonNegative
    max_row_characters: Positive
    exam_key: Literal["accession_number", "study_instance_uid"]
    mask_persons: bool


class BodyParts(Section):
    rules: str
    test_image: bool


class ValuePolicy(Section):
    min_bits: Positive
    min_distinct_share: Share
    min_distinct_share_multiframe: dict[str, Share]


class Images(Section):
    size: Positive
    voi: Literal["paper", "linear", "linear_exact", "sigmoid"]
    apply_voi_lut: bool
    estimate_window: bool
    value_policy: ValuePolicy
    min_side_ratio: Share
    decode_timeout_seconds: PositiveFloat
    decode_memory_mib: Positive
    max_pixels: Positive


class Cohort(Section):
    modalities: Several[str]
    dx_as_cr: bool
    max_instances_per_exam: Positive
    over_limit: Literal["drop", "sample"]
    min_candidates: Positive
    balance: bool
    split_salt: str
    train_share: Share
    test_share: Share

    @model_validator(mode="after")
    def _shares_leave_room(self) -> Self:
        total = self.train_share + self.test_share
        if total > 1 + 1e-9:
            raise ValueError(f"found train_share + test_share = {total:g}, expected at most 1")
        return self


class TagsAutoencoder(Section):
    layers: Several[Positive]
    bottleneck: Positive
    learning_rate: PositiveFloat
    batch_size: Positive
    epochs: Positive
    patience_epochs: Positive
    activation: Literal["relu", "leaky_relu"]
    batch_norm: bool
    dropout: Annotated[float, Field(ge=0, lt=1)]

    @model_validator(mode="after")
    def _narrows(self) -> Self:
        widths = [*self.layers, self.bottleneck]
        if sorted(set(widths), reverse=True) != widths:
            raise ValueError(f"found layers and bottleneck {widths}, expected decreasing widths")
        return self


class MissForestSettings(Section):
    trees: Positive
    min_leaf_rows: Positive
    max_features: Literal["sqrt"] | Annotated[float, Field(gt=0, le=1)]
    train_rows: Positive
    rounds: Positive


class TagsPca(Section):
    components: Positive
    solver: Literal["full", "arpack", "randomized"]


class Tags(Section):
    min_fill_rate: Share
    min_distinct: Positive
    max_categories: Positive
    include_modality_tags: bool
    alpha: Share
    missingness_rows: Positive
    train_rows: Positive
    imputation: Literal["missforest", "mean_mode"]
    missforest: MissForestSettings
    grid: str
    grids: str
    model: Literal["ae", "pca"]
    autoencoder: TagsAutoencoder
    pca: TagsPca
    seed: int


class Text(Section):
    embedding: TextEmbedding
    grid: str
    grids: str
    tokens: Literal["stems", "words"]
    min_count: Positive
    vector_size: Positive
    window: Positive
    epochs: Positive
    negative: Positive
    alpha: PositiveFloat
    min_alpha: PositiveFloat
    sample: Annotated[float, Field(ge=0)]
    workers: Positive
    inference_epochs: Positive | None
    svd_components: Positive | None
    most_dimensions: Positive
    spark_nlp_path: str | None
    fold_diacritics: bool
    stop_words: list[str]
    stop_word_list: Literal["croatian"] | None
    write_out: bool
    seed: int

    @model_validator(mode="after")
    def _path_is_named(self) -> Self:
        if self.embedding == "spark_nlp_model" and not self.spark_nlp_path:
            raise ValueError("found no spark_nlp_path, expected the folder of a saved model for spark_nlp_model")
        return self


class Train(Section):
    encoder: Literal["cae"]
    filters: Several[Positive]
    bottleneck_channels: Positive
    epochs: Positive
    batch_size: Positive
    learning_rate: PositiveFloat
    patience_epochs: Positive
    validations_per_epoch: Positive
    ranks: Positive
    start_timeout_seconds: Positive
    attempts: Positive
    row_group_rows: Positive
    seed: int


class Embed(Section):
    pca_components: Positive | None
    pca_solver: Literal["full", "arpack", "randomized"]
    pca_train_rows: Positive
    batch_size: Positive
    seed: int


class Cluster(Section):
    k: Several[Positive] | Positive | None
    k_list: Several[Positive]
    seeds: Several[int]
    init_mode: Literal["k-means||", "random"]
    max_iterations: Positive
    tolerance: PositiveFloat
    knee_sensitivity: PositiveFloat
    near_best: Share
    screen_rows: Positive
    mixed_below: Share
    anomaly_below: NonNegative


class Evaluate(Section):
    tie: Share
    regions: str


class Fuse(Section):
    method: Literal["embeddings"]
    scaling: Literal["raw", "unit_variance", "l2"]


class Register(Section):
    name: str
    alias: str


class Annotate(Section):
    batch_size: Positive


class Report(Section):
    images_per_cluster: Positive
    words_per_cluster: Positive
    tags_per_cluster: Positive
    least_exams_a_word: Positive
    seed: int


class Demo(Section):
    exams: Positive
    seed: int
    real_files: bool


class Config(Section):
    """All settings of a run; one section a stage."""

    spark: Spark
    storage: Storage
    tracking: Tracking
    deidentify: Deidentify
    ingest: Ingest
    diagnoses: Diagnoses
    body_parts: BodyParts
    images: Images
    cohort: Cohort
    tags: Tags
    text: Text
    train: Train
    embed: Embed
    cluster: Cluster
    evaluate: Evaluate
    fuse: Fuse
    register_: Register = Field(alias="register")
    annotate: Annotate
    report: Report
    demo: Demo

    @model_validator(mode="after")
    def _images_fit_the_encoder(self) -> Self:
        halvings = 2 ** len(self.train.filters)
        if self.images.size % halvings:
            raise ValueError(
                f"images.size: found {self.images.size}, expected a multiple of {halvings}, since each of the "
                f"{len(self.train.filters)} train.filters halves the image"
            )
        return self

    def section(self, name: str) -> dict[str, Any]:
        """One section as plain data, for hashing and for the report."""
        return dict(self.model_dump(mode="json", by_alias=True)[name])

    def rules_hash(self, sections: Iterable[str]) -> str:
        """Hash of the rules files that these sections name: their content decides a result, not their name."""
        named = self.rules_files()
        return config_hash({key: rules_text(named[key]) for key in named if key.partition(".")[0] in sections})

    def rules_files(self) -> dict[str, str]:
        """Setting → the rules file that it names."""
        return {
            "body_parts.rules": self.body_parts.rules,
            "tags.grids": self.tags.grids,
            "text.grids": self.text.grids,
            "evaluate.regions": self.evaluate.regions,
        }


def conf_file(name: str) -> Path:
    """Path of a file of `conf/`: package data in the wheel, the repository's folder in a checkout.

    Raises:
        UsageError: there is no such file.
    """
    found = _conf_path(name)
    if found is None:
        raise UsageError(f"conf/{name}: not found in the package; expected beside base.yml")
    return found


def _conf_path(name: str) -> Path | None:
    here = Path(__file__).resolve().parent
    return next((f / name for f in (here / "conf", here.parent / "conf") if (f / name).is_file()), None)


def _named_path(name: str) -> Path | None:
    """A path that is there, else the file of `conf/` with this name, else None."""
    return Path(name) if Path(name).is_file() else _conf_path(name)


def rules_text(name: str) -> str:
    """The text of a rules file: a path, or the name of one of `conf/` (body parts, stop words, tag lists, …).

    Raises:
        UsageError: it is neither, or can't be read.
    """
    path = _named_path(name) or conf_file(name)  # which says that there is none
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: can't be read as UTF-8 text ({type(error).__name__})") from error


def load_rules(name: str) -> Any:
    """The parsed content of a rules file.

    Raises:
        UsageError: it can't be read, or is no YAML.
    """
    try:
        return yaml.safe_load(rules_text(name))
    except yaml.YAMLError as error:
        raise UsageError(f"{name}: can't be read as YAML ({type(error).__name__})") from error


def with_values(section: SectionT, path: Sequence[str], values: Mapping[str, Any]) -> SectionT:
    """A section with some other values.

    Args:
        section: stays as it is.
        path: the section's keys, for messages.
        values: setting → value, as a file of `conf/` gives it.

    Raises:
        UsageError: a key is unknown, or a value has a wrong type or range.
    """
    try:
        return type(section).model_validate({**section.model_dump(), **values})
    except ValidationError as error:
        found = [_explain({**item, "loc": (*path, *item["loc"])}) for item in error.errors()]
        raise UsageError("\n".join(found)) from None


def load_config(files: Sequence[str | Path] = (), overrides: Iterable[str] = ()) -> Config:
    """Reads `conf/base.yml`, then `files` in order, then `key.path=value` overrides; later ones win.

    Args:
        files: YAML files; a bare name that does not exist in the working folder is looked up in `conf/`.
        overrides: the values of `--set`, parsed as YAML scalars or lists.

    Raises:
        UsageError: a file is missing or no mapping, a key is unknown, or a value has a wrong type or range.
    """
    merged = _read(conf_file("base.yml"))
    for name in files:
        found = Path(name) if Path(name).exists() else _conf_path(str(name))
        if found is None:
            raise UsageError(f"--conf {name}: found no such file here, nor in the package's conf/")
        merged = _merge(merged, _read(found))
    for override in overrides:
        merged = _merge(merged, _parse_override(override))
    try:
        config = Config.model_validate(merged)
    except ValidationError as error:
        raise UsageError("\n".join(_explain(item) for item in error.errors())) from None
    for key, name in config.rules_files().items():
        if _named_path(name) is None:
            raise UsageError(f"{key}: found {name}, expected a file that is there or the name of one of conf/")
    return config


def config_hash(data: Any) -> str:
    """A short stable hash of plain data: dictionaries in any order, lists in theirs."""
    text = json.dumps(data, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{path}: can't be read as YAML ({type(error).__name__})") from error
    if not isinstance(data, dict | None):
        raise UsageError(f"{path}: found {type(data).__name__}, expected a mapping of sections")
    return data or {}


def _merge(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(low)
    for key, value in high.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _parse_override(text: str) -> dict[str, Any]:
    path, separator, value = text.partition("=")
    if not separator or not path.strip():
        raise UsageError(f"--set {text}: expected key.path=value, as in --set images.size=256")
    try:
        nested: Any = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise UsageError(f"--set {path}: the value can't be read as YAML ({type(error).__name__})") from error
    for key in reversed(path.strip().split(".")):
        nested = {key: nested}
    return dict(nested)


def _explain(error: Mapping[str, Any]) -> str:
    where = [str(part) for part in error["loc"]]
    key = ".".join(where)
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(where[-1], _keys_of(where[:-1]), n=1, cutoff=0.0)
        hint = f"; the nearest right name is {'.'.join([*where[:-1], *near])}" if near else ""
        return f"{key}: unknown setting{hint}"
    if error["type"] == "value_error":  # of a validator of ours
        return ": ".join(filter(None, (key, str(error["ctx"]["error"]))))
    return f"{key}: found {error['input']!r}; {error['msg'][0].lower()}{error['msg'][1:]}"


def _keys_of(path: Sequence[str]) -> list[str]:
    model: type[BaseModel] = Config
    for part in path:
        field = next((f for n, f in model.model_fields.items() if part in (n, f.alias)), None)
        found = _model_in(field.annotation) if field else None
        if found is None:
            return []
        model = found
    return [f.alias or n for n, f in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    options = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    return next((o for o in options if isinstance(o, type) and issubclass(o, BaseModel)), None)
