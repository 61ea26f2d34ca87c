from radnet_spark.cohort.balance import plan_balance


def test_smallest_modality_with_enough_candidates_sets_the_quota() -> None:
    plan = plan_balance({"CT": 900, "MR": 250, "CR": 400, "RF": 30, "XA": 0}, min_candidates=200)
    assert plan.quota == 250
    assert plan.keep == {"CT": 250, "MR": 250, "CR": 250, "RF": 30}
    assert plan.warnings == ("RF has 30 candidates, fewer than 200: kept whole, below the quota of 250",)


def test_paper_takes_a_fifth_of_its_subset_from_each_of_five() -> None:
    plan = plan_balance({"CT": 10**6, "MR": 90_000, "CR": 60_000, "XA": 27_155, "RF": 30_000}, 200)
    assert sum(plan.keep.values()) == 135_775


def test_nothing_is_balanced_where_all_are_small() -> None:
    plan = plan_balance({"CT": 20, "MR": 3}, min_candidates=200)
    assert plan.quota is None
    assert plan.keep == {"CT": 20, "MR": 3}
    assert plan.warnings == ("no modality has 200 candidates: the cohort is not balanced",)


def test_no_candidates_give_an_empty_plan() -> None:
    assert plan_balance({}, 200).keep == {}


def test_a_quota_is_met_by_its_own_modality() -> None:
    assert plan_balance({"CT": 200}, 200).keep == {"CT": 200}
