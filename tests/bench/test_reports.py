"""The forms of a report: text, HTML, JSON, and the page in the docs."""

import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import pytest

from bench.faults import BenchError
from bench.page import BEGIN, END, with_figures
from bench.plot import Scale, svg
from bench.report_file import read_report, write_report
from bench.report_html import html_report
from bench.report_text import figure, text_report
from bench.result import Plot, Series
from tests.bench.reports import PLOT, report_of


def test_the_text_shows_the_ratio_and_postgrest_s_beside_it() -> None:
    line = next(line for line in text_report(report_of()).splitlines() if "yardstick" in line)

    assert " ".join(line.split()) == "key 16 Tailrace 500 req/s yardstick 0.500 0.250 2.00× ≥ 2 ±10% met"


def test_the_text_ends_with_what_was_missed_and_what_failed() -> None:
    text = text_report(report_of(target=9, faults=("requests failed",)))

    assert "0 of 1 targets met" in text
    assert "missed: works: key at 16: 2, target ≥ 9" in text
    assert "failed: works: requests failed" in text


@pytest.mark.parametrize(
    ("value", "expected"), [(12345.6, "12,346"), (12.34, "12.3"), (1.234, "1.23"), (0.1234, "0.123"), (0.0, "0.000")]
)
def test_figures_have_the_digits_that_matter(value: float, expected: str) -> None:
    assert figure(value) == expected


def test_a_report_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    report = report_of(faults=("one",))
    file = tmp_path / "report.json"

    write_report(file, report)

    assert read_report(file) == report


def test_a_missing_report_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"run \./dev bench first"):
        read_report(tmp_path / "report.json")


def test_the_html_needs_nothing_from_elsewhere_and_escapes_what_it_shows() -> None:
    html = html_report(report_of())

    assert "A &lt;remark&gt;." in html
    assert "<remark>" not in html
    assert "http" not in html
    assert html.count("<svg") == 1


@pytest.mark.parametrize("plot", [PLOT, replace(PLOT, logarithmic=False)])
def test_a_plot_is_well_formed_and_has_a_dot_for_every_point(plot: Plot) -> None:
    drawn = ElementTree.fromstring(svg(plot))

    dots = [one for one in drawn.iter() if one.tag == "circle"]
    assert len(dots) == 3
    assert all(0 <= float(dot.attrib["cx"]) <= 560 and 0 <= float(dot.attrib["cy"]) <= 320 for dot in dots)


def test_a_plot_without_points_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing to plot"):
        svg(Plot("Empty", "x", "y", (Series("Tailrace", ()),)))


def test_a_logarithmic_scale_gives_every_decade_the_same_room() -> None:
    scale = Scale(1, 1000, 0, 300, True)

    assert [round(scale.place(value)) for value in (1, 10, 100, 1000)] == [0, 100, 200, 300]


def test_a_linear_scale_has_ticks_at_even_round_steps() -> None:
    assert Scale(0, 10, 0, 100, False).ticks() == (0, 2, 4, 6, 8, 10)


def test_the_page_keeps_what_stands_around_the_figures() -> None:
    page = with_figures(f"before\n{BEGIN}\nold\n{END}\nafter\n", report_of())

    assert page.startswith("before\n")
    assert page.endswith("\nafter\n")
    assert "old" not in page
    assert "2 cores | 8 GiB" in page
    assert "| key | 16 | 500 req/s | yardstick | 0.500 | 0.250 | 2.00× | ≥ 2 | ±10% | met |" in page


def test_writing_the_page_again_changes_nothing() -> None:
    once = with_figures(f"{BEGIN}\n{END}", report_of())

    assert with_figures(once, report_of()) == once


def test_a_page_without_a_place_for_figures_is_refused() -> None:
    with pytest.raises(BenchError, match="no place for figures"):
        with_figures("nothing here", report_of())
