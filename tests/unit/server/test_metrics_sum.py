"""The metrics of several workers as those of one server."""

from tailrace.engine.server.metrics_sum import sum_metrics

ONE = """\
# HELP loads Loads
# TYPE loads counter
loads{status="SUCCESS"} 2.0
# HELP busy Busy
# TYPE busy gauge
busy 1.0
"""
OTHER = """\
# HELP loads Loads
# TYPE loads counter
loads{status="FAIL"} 1.0
loads{status="SUCCESS"} 3.0
# HELP busy Busy
# TYPE busy gauge
busy 4.0
"""


def test_samples_of_one_name_and_labels_are_added() -> None:
    lines = sum_metrics([ONE, OTHER]).splitlines()

    assert 'loads{status="SUCCESS"} 5.0' in lines
    assert 'loads{status="FAIL"} 1.0' in lines
    assert "busy 5.0" in lines


def test_the_samples_of_a_metric_stay_below_its_comments() -> None:
    lines = sum_metrics([ONE, OTHER]).splitlines()

    assert [line.split("{")[0].split(" ")[0] for line in lines] == ["#", "#", "loads", "loads", "#", "#", "busy"]


def test_a_time_is_not_added() -> None:
    text = "# HELP pgrst_schema_cache_query_time_seconds Time\npgrst_schema_cache_query_time_seconds {}\n"

    assert "pgrst_schema_cache_query_time_seconds 0.5" in sum_metrics([text.format(0.5), text.format(0.25)])


def test_without_workers_there_are_no_metrics() -> None:
    assert sum_metrics([]) == ""
