"""The Databricks bundle, as far as it can be checked without a workspace: shape, names, options, order."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from databricks.bundles.jobs import Job

from radnet_spark import pipeline
from radnet_spark.cli import _parser
from radnet_spark.config import load_config
from radnet_spark.lake.runs import stage_key

REPOSITORY = Path(__file__).resolve().parents[2]
BUNDLE = yaml.safe_load((REPOSITORY / "databricks.yml").read_text(encoding="utf-8"))
JOBS = sorted((REPOSITORY / "jobs").glob("*.job.yml"))


def jobs() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for path in JOBS:
        found |= yaml.safe_load(path.read_text(encoding="utf-8"))["resources"]["jobs"]
    return found


def with_values(data: Any, target: str) -> Any:
    """The data with the bundle's variables put in, as a deployment to the target does."""
    values = {name: about.get("default") for name, about in BUNDLE["variables"].items()}
    values |= BUNDLE["targets"][target]["variables"]
    if isinstance(data, dict):
        return {key: with_values(value, target) for key, value in data.items()}
    if isinstance(data, list):
        return [with_values(value, target) for value in data]
    if not isinstance(data, str):
        return data
    whole = re.fullmatch(r"\$\{var\.(\w+)\}", data)
    if whole:
        return values[whole[1]]
    return re.sub(r"\$\{var\.(\w+)\}", lambda found: str(values[found[1]]), data)


def tasks(target: str) -> list[dict[str, Any]]:
    return [task for job in with_values(jobs(), target).values() for task in job["tasks"]]


def test_targets_differ_in_the_values_of_variables_only():
    assert set(BUNDLE["targets"]) == {"dev", "prod"}
    for about in BUNDLE["targets"].values():
        assert set(about) <= {"default", "variables"}
        assert set(about["variables"]) <= set(BUNDLE["variables"])


def test_every_variable_is_described_has_a_value_and_is_used():
    text = "".join(path.read_text(encoding="utf-8") for path in JOBS)
    used = set(re.findall(r"\$\{var\.(\w+)\}", text))
    assert used == set(BUNDLE["variables"])
    for name, about in BUNDLE["variables"].items():
        assert about["description"].endswith("."), name
        for target in BUNDLE["targets"].values():
            assert "default" in about or name in target["variables"], name


@pytest.mark.parametrize("target", ["dev", "prod"])
def test_jobs_have_the_shape_of_the_bundle_schema(target):
    for job in with_values(jobs(), target).values():
        made = Job.from_dict(job)  # refuses unknown fields and wrong types
        assert {task.job_cluster_key for task in made.tasks} <= {c.job_cluster_key for c in made.job_clusters}
        assert made.permissions
        assert made.email_notifications.on_failure
        assert made.schedule.quartz_cron_expression


def test_an_unknown_field_would_be_found():
    job = {"name": "x", "tasks": [{"task_key": "a", "no_such_field": 1}]}
    with pytest.raises(ValueError, match="no_such_field"):
        Job.from_dict(job)


@pytest.mark.parametrize("target", ["dev", "prod"])
def test_every_task_is_a_launcher_with_options_and_settings_that_exist(target):
    for task in tasks(target):
        call = task["spark_python_task"]
        launcher = REPOSITORY / "jobs" / call["python_file"]
        assert launcher.is_file()
        args = _parser().parse_args([launcher.stem, *call["parameters"]])
        config = load_config(args.conf, args.overrides)
        assert config.storage.catalog == BUNDLE["targets"][target]["variables"]["catalog"]
        assert config.tracking.registry_uri == "databricks-uc"
        assert config.register_.name.count(".") == 2
        assert config.deidentify.secret_scope == "radnet"
        assert args.root.startswith("/Volumes/")
        assert {"whl": "../dist/*.whl"} in task["libraries"]


def test_spark_nlp_comes_without_what_only_neural_annotators_need():
    (library,) = [item["maven"] for task in tasks("dev") for item in task["libraries"] if "maven" in item]
    config = load_config()
    assert library["coordinates"] in config.spark.packages
    assert library["exclusions"] == list(config.spark.excludes)


def test_the_order_is_that_of_a_whole_run():
    verbs = {}
    for task in tasks("dev"):
        call = task["spark_python_task"]
        args = _parser().parse_args([call["python_file"].removesuffix(".py"), *call["parameters"]])
        verbs[task["task_key"]] = stage_key(args.verb, {"source": args.source} if hasattr(args, "source") else {})
    assert list(verbs.values()) == [
        stage_key(verb, options) for verb, options in pipeline.plan({"input": ["x"]}, ["y"])
    ]
    before = None
    for task in tasks("dev"):
        assert task.get("depends_on", []) == ([{"task_key": before}] if before else [])
        before = task["task_key"]


STATIC = """
[[dependency-metadata]]
name = "pyspark"
version = "3.5.0"
requires-dist = ["py4j==0.10.9.7"]
[[dependency-metadata]]
name = "horovod"
version = "0.28.1"
requires-dist = ["cloudpickle", "psutil", "pyyaml", "packaging", "cffi>=1.4.0"]
"""  # source packages: asking them would build them


def test_the_wheel_installs_beside_what_the_runtime_brings(tmp_path):
    constraints = REPOSITORY / "conf" / "constraints-15.4-lts-ml.txt"
    (tmp_path / "uv.toml").write_text(STATIC)
    done = subprocess.run(
        [Path(sys.executable).with_name("uv"), "pip", "compile", "pyproject.toml", "-c", constraints, "--config-file",
         tmp_path / "uv.toml", "--python-version", "3.11", "--no-header", "--no-annotate", "-q"],
        capture_output=True, text=True, cwd=REPOSITORY, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    brought = {line for line in constraints.read_text().splitlines() if line and not line.startswith("#")}
    assert len(brought) == 9
    assert brought <= set(done.stdout.splitlines())


def test_training_runs_on_the_gpu_cluster_with_a_rank_a_worker():
    of_key = {task["task_key"]: task for task in tasks("prod")}
    assert {key for key, task in of_key.items() if task["job_cluster_key"] == "gpu"} == {"train"}
    assert "train.ranks=4" in of_key["train"]["spark_python_task"]["parameters"]
