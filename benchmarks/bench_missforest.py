"""MissForest against the PyPI package `missforest` (with scikit-learn's random forests) and against mean and mode.

Values are hidden on purpose, the imputers are fitted on some rows, and fill hidden values of those and of other rows.
Tables: the headers of a demo hospital, and a made one of 27 numbers and 18 categories that depend on each other.

Run: `python benchmarks/bench_missforest.py [--table hospital|made] [--rows 5000] [--seeds 1 2 3] [--no-rival]`
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from radnet_spark.annotator.inputs import file_rules, sections_of
from radnet_spark.config import MissForestSettings, load_config
from radnet_spark.demo.hospital import make_hospital
from radnet_spark.dicom.instance import parse_instance, quiet
from radnet_spark.tags.columns import MISSING, Columns, FeatureSet
from radnet_spark.tags.imputation import MeanMode
from radnet_spark.tags.missforest import MissForest
from radnet_spark.tags.missforest_fit import fit_missforest, nrmse
from radnet_spark.tags.preparation import TagPolicy, flatten
from radnet_spark.tags.selection import Statistics, select

HIDDEN, NEW_ROWS = 0.2, 1000
Result = dict[str, float]


def hospital(rows: int) -> Columns:
    """The tags of a demo hospital's first `rows` instances, as the tags stage reads them."""
    config = load_config(["demo.yml"])
    rules, policy, statistics = file_rules(sections_of(config)), TagPolicy.load(False), Statistics()
    maps: list[dict[str, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        make_hospital(Path(folder), rows // 3 + 60, seed=5)
        for path in sorted(path for path in Path(folder).rglob("*") if path.is_file()):
            with path.open("rb") as source, quiet():
                row = parse_instance(source, path.stat().st_size, rules.ingest)
            maps += [] if row["reason"] else [dict(row["tags"])]
    maps = [maps[at] for at in np.random.default_rng(0).permutation(len(maps))[:rows]]
    for tags in maps:
        statistics.add(flatten(tags, policy))
    tags_ = config.tags
    decisions = select(statistics, policy, tags_.min_fill_rate, tags_.min_distinct, tags_.max_categories)
    return FeatureSet.of(decisions).columns(maps, policy)


def made(rows: int) -> Columns:
    """27 skewed numbers of very different sizes and 18 categories, all from four hidden numbers and a group of six."""
    random = np.random.default_rng(1)
    hidden, group = random.normal(size=(rows, 4)), random.integers(0, 6, rows)
    numbers = np.tanh(hidden @ random.normal(size=(4, 27))) + random.normal(size=(6, 27))[group]
    numbers = np.exp((numbers + 0.3 * random.normal(size=numbers.shape)) * random.uniform(0.2, 1, 27))
    codes = []
    for count in random.integers(2, 9, 18):
        scores = 1.2 * hidden @ random.normal(size=(4, count)) + 1.5 * random.normal(size=(6, count))[group]
        codes.append((scores + 0.5 * random.gumbel(size=scores.shape)).argmax(axis=1))
    return Columns(numbers * 10 ** random.uniform(-2, 3, 27), np.stack(codes, axis=1).astype(np.int32))


def take(columns: Columns, rows: Any) -> Columns:
    """Some rows."""
    return Columns(columns.numbers[rows], columns.codes[rows])


def errors(whole: Columns, gapped: Columns, filled: Columns) -> tuple[float, float]:
    """NRMSE and PFC of the hidden values, each the mean over the tags."""
    numbers, codes = np.isnan(gapped.numbers) & ~np.isnan(whole.numbers), (gapped.codes < 0) & (whole.codes >= 0)
    scale = np.nanstd(whole.numbers, axis=0)
    continuous = [
        nrmse(filled.numbers[rows, at], whole.numbers[rows, at]) * whole.numbers[rows, at].std() / scale[at]
        for at, rows in enumerate(numbers.T) if rows.sum() > 1 and whole.numbers[rows, at].std() > 0
    ]  # fmt: skip
    categorical = [(filled.codes != whole.codes)[rows, at].mean() for at, rows in enumerate(codes.T) if rows.any()]
    return float(np.mean(continuous)), float(np.mean(categorical))


def measured(fit: Any, fill: Any, parts: tuple[Columns, Columns, Columns, Columns]) -> tuple[Any, Result]:
    """Fits, fills, and says errors on the rows of the fit and on new ones, seconds of the fit and rows/s filled."""
    train, train_gapped, new, new_gapped = parts
    begin = time.perf_counter()
    model = fit(train_gapped)
    seconds, used = time.perf_counter() - begin, time.process_time()
    filled = fill(model, new_gapped)
    used = time.process_time() - used
    result = dict(zip(("nrmse new", "pfc new"), errors(new, new_gapped, filled), strict=True))
    result |= dict(
        zip(("nrmse train", "pfc train"), errors(train, train_gapped, fill(model, train_gapped)), strict=True)
    )
    return model, result | {"fit s": seconds, "rows/s": len(new.numbers) / max(used, 1e-9)}


def ours(settings: MissForestSettings, seed: int, parts: Any) -> Result:
    """Our MissForest, with the bytes that its arrays take as a compressed file."""
    model, result = measured(
        lambda rows: fit_missforest(rows, settings, seed).imputer, lambda model, rows: model.apply(rows), parts
    )
    assert isinstance(model, MissForest)
    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        np.savez_compressed(file, **model.arrays())
        return result | {"MB": Path(file.name).stat().st_size / 1e6, "rounds": len(model.forests) / _columns(parts[0])}


def rival(options: dict[str, Any], settings: MissForestSettings, seed: int, parts: Any) -> Result:
    """The package `missforest` with random forests of as many trees."""
    import pandas as pd
    from missforest import MissForest as Rival
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    numeric, nominal = ([f"{kind}{at}" for at in range(part.shape[1])]
                        for kind, part in zip("nc", parts[0], strict=True))  # fmt: skip

    def frame(rows: Columns) -> Any:
        codes = np.where(rows.codes == MISSING, np.nan, rows.codes)
        return pd.DataFrame(np.hstack([rows.numbers, codes]), columns=[*numeric, *nominal])

    def fit(rows: Columns) -> Any:
        forest = {"n_estimators": settings.trees, "random_state": seed, "n_jobs": -1, **options}
        rival = Rival(RandomForestClassifier(**forest), RandomForestRegressor(**forest), categorical=nominal,
                      initial_guess="mean", max_iter=settings.rounds, verbose=0)  # fmt: skip
        return rival.fit(frame(rows))

    def fill(model: Any, rows: Columns) -> Columns:
        filled = model.transform(frame(rows))
        return Columns(filled[numeric].to_numpy(float), filled[nominal].to_numpy().astype(np.int32))

    return measured(fit, fill, parts)[1]


def simple(parts: Any) -> Result:
    """Mean and mode."""
    return measured(MeanMode.fit, lambda model, rows: model.apply(rows), parts)[1]


def _columns(columns: Columns) -> int:
    return columns.numbers.shape[1] + columns.codes.shape[1]


def main() -> None:
    """Prints what each imputer reaches, a line a seed, and ours over the rival's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", choices=["hospital", "made"], default="hospital")
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--set", action="append", default=[], metavar="tags.missforest.KEY=VALUE")
    parser.add_argument("--no-rival", action="store_true")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    settings = load_config(overrides=args.set).tags.missforest
    table = (hospital if args.table == "hospital" else made)(args.rows + NEW_ROWS)
    print(f"{args.table}: {args.rows} rows to fit and {len(table.numbers) - args.rows} new ones, "
          f"{table.numbers.shape[1]} numbers, {table.codes.shape[1]} categories; {settings}")  # fmt: skip
    runs = {"ours": lambda seed, parts: ours(settings, seed, parts), "mean and mode": lambda seed, parts: simple(parts)}
    alike = {"min_samples_leaf": settings.min_leaf_rows, "max_features": settings.max_features}
    rivals = {"missforest, the same forests": alike, "missforest, leaves of 1": {"max_features": settings.max_features},
              "missforest, scikit-learn's defaults": {}}  # fmt: skip
    try:
        import missforest  # noqa: F401
    except ImportError:
        print("the package missforest is not installed: pip install --no-deps missforest lightgbm tqdm")
        rivals = {}
    for name, options in ({} if args.no_rival else rivals).items():
        runs[name] = lambda seed, parts, options=options: rival(options, settings, seed, parts)
    found: dict[str, list[Result]] = {name: [] for name in runs}
    for seed in args.seeds:
        random = np.random.default_rng(seed)
        gapped = Columns(np.where(random.random(table.numbers.shape) < HIDDEN, np.nan, table.numbers),
                         np.where(random.random(table.codes.shape) < HIDDEN, MISSING, table.codes))  # fmt: skip
        order = random.permutation(len(table.numbers))
        train, new = order[: args.rows], order[args.rows :]
        parts = (take(table, train), take(gapped, train), take(table, new), take(gapped, new))
        for name, run in runs.items():
            result = run(seed, parts)
            found[name].append(result)
            print(
                f"seed {seed}, {name}: " + ", ".join(f"{key} {value:.4g}" for key, value in result.items()), flush=True
            )
    for name, results in found.items():
        for key in ("nrmse new", "pfc new", "nrmse train", "pfc train") if name != "ours" else ():
            ratios = [a[key] / b[key] for a, b in zip(found["ours"], results, strict=True)]
            print(f"ours / {name}, {key}: {np.mean(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})")


if __name__ == "__main__":
    main()
