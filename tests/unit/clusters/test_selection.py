import math

from radnet_spark.clusters.selection import Candidate, choose


def candidate(
    k: int, s: float, d: float = math.nan, elbow: bool = False, source: str = "image", group: str = "m"
) -> Candidate:
    return Candidate(f"{group}{k}", source, (group,), k, elbow, s, d)


def test_the_elbow_wins_whatever_it_scores() -> None:
    assert choose([candidate(5, 0.9), candidate(10, 0.4, elbow=True)], 0.02, 0.005).clustering_id == "m10"


def test_without_elbow_the_smallest_nearly_best_by_s() -> None:
    choice = choose([candidate(5, 0.3), candidate(10, 0.595), candidate(15, 0.6)], 0.02, 0.005)
    assert choice.clustering_id == "m10"
    assert choice.notes == ("m: no elbow: k = 10 is the smallest within 2% of the best S",)


def test_tags_go_by_d() -> None:
    found = [candidate(5, 0.9, 0.5, source="tags"), candidate(10, 0.1, 0.3, source="tags")]
    assert choose(found, 0.02, 0.005).clustering_id == "m10"


def test_models_are_compared_at_their_elbows() -> None:
    of_a = [candidate(5, 0.9, group="a"), candidate(10, 0.5, elbow=True, group="a")]
    found = [*of_a, candidate(5, 0.6, elbow=True, group="b")]
    assert choose(found, 0.02, 0.005).clustering_id == "b5"


def test_fusions_of_about_equal_s_go_by_d_then_by_k() -> None:
    def fusion(k: int, s: float, d: float, group: str) -> Candidate:
        return candidate(k, s, d, True, "fusion", group)

    assert choose([fusion(20, 0.666, 2.6, "a"), fusion(50, 0.664, 2.4, "b")], 0.02, 0.005).clustering_id == "b50"
    assert choose([fusion(20, 0.666, 2.6, "a"), fusion(50, 0.64, 2.4, "b")], 0.02, 0.005).clustering_id == "a20"
    assert choose([fusion(50, 0.666, 2.4, "a"), fusion(20, 0.666, 2.4, "b")], 0.02, 0.005).clustering_id == "b20"


def test_equals_are_told_apart_by_name_and_not_by_a_number_of_the_run() -> None:
    def model(name: str, fit: str, clustering: str) -> Candidate:
        return Candidate(clustering, "diagnosis", (name, fit, "", "kmeans", "euclidean"), 3, True, 1.0, 0.13)

    for fits, ids in ((("1", "2"), ("a", "b")), (("2", "1"), ("b", "a"))):
        found = [model("tf_idf", fits[0], ids[0]), model("pv_dm", fits[1], ids[1])]
        assert choose(found, 0.02, 0.005).clustering_id == ids[1]


def test_no_score_at_all() -> None:
    choice = choose([candidate(10, math.nan), candidate(5, math.nan)], 0.02, 0.005)
    assert choice.clustering_id == "m5"
    assert "no score" in choice.notes[0]
