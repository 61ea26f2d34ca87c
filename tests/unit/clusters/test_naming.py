from radnet_spark.clusters.naming import describe


def test_majority_pair_names_the_cluster() -> None:
    found = describe({("MR", "KNEE"): 60, ("MR", "HIP"): 20, ("CT", "KNEE"): 10, ("MR", None): 10}, 0.5, 50)
    assert (found.name, found.modality, found.body_part, found.size) == ("MR · KNEE", "MR", "KNEE", 100)
    assert found.purity == 60 / 90
    assert found.modality_share == 90 / 100
    assert found.body_part_share == 70 / 90


def test_mixed_anomaly_and_empty() -> None:
    assert describe({("MR", "KNEE"): 40, ("CT", "HEAD"): 30, ("CR", "HAND"): 30}, 0.5, 50).name == "mixed"
    assert describe({("MR", "KNEE"): 40, ("CT", "HEAD"): 9}, 0.5, 50).name == "anomaly"
    assert describe({}, 0.5, 50).name == "empty"


def test_unknown_body_parts_leave_the_modality() -> None:
    found = describe({("XA", None): 70, ("RF", None): 30}, 0.5, 50)
    assert (found.name, found.body_part, found.purity) == ("XA", None, 0.7)


def test_ties_go_by_the_alphabet() -> None:
    assert describe({("MR", "KNEE"): 50, ("CR", "HAND"): 50}, 0.5, 50).name == "CR · HAND"
