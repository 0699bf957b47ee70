"""Tables of pages: numbers of a column can be compared at a glance."""

import math

from tinynet.commands.pages.tables import view_of
from tinynet.commands.report.charts import Table


def texts(table):
    return [[cell.text for cell in row] for row in view_of(table).rows]


def test_numbers_of_a_column_have_the_same_decimals():
    table = Table(("loss",), ((0.5,), (0.03125,), (1.25,)))
    assert texts(table) == [["0.5000"], ["0.0312"], ["1.2500"]]


def test_small_numbers_beside_large_ones_are_not_rounded_to_zero():
    table = Table(("loss",), ((1e-7,), (12.5,)))
    assert texts(table) == [["1e-7"], ["12.50"]]


def test_values_of_different_units_keep_their_digits():
    table = Table(("mean",), ((4201.75,), (17.15,), (43.92,)))
    assert texts(table) == [["4,201.8"], ["17.1"], ["43.9"]]


def test_numbers_from_a_file_are_aligned_and_unchanged():
    view = view_of(Table(("mass", "sex"), (("6000", "f"), ("4164.10", ""), ("", "m"))))
    assert [column.numeric for column in view.columns] == [True, False]
    assert [row[0].text for row in view.rows] == ["6000", "4164.10", ""]


def test_counts_names_and_empty_cells():
    view = view_of(Table(("node", "parameters"), (("dense", 12345), ("relu", None))))
    assert [column.numeric for column in view.columns] == [False, True]
    assert [cell.text for cell in view.rows[0]] == ["dense", "12,345"]
    assert [cell.text for cell in view.rows[1]] == ["relu", ""]
    assert view.rows[0][1].value == 12345


def test_shares_are_percentages_with_a_bar():
    (cell,) = view_of(Table(("share",), ((0.12345,),), shares=frozenset({"share"}))).rows[0]
    assert (cell.text, cell.share) == ("12.3%", 0.123)


def test_what_is_not_finite_is_named():
    table = Table(("loss", "share"), ((math.nan, math.inf),), shares=frozenset({"share"}))
    assert texts(table) == [["NaN", "∞"]]


def test_totals_are_apart_from_the_rows_that_are_sorted():
    view = view_of(Table(("n",), ((1,), (2,), (3,)), totals=1))
    assert [row[0].text for row in view.rows] == ["1", "2"]
    assert [row[0].text for row in view.totals] == ["3"]


def test_whole_and_other_large_numbers_of_a_column_look_alike():
    table = Table(("mean",), ((-1087100000.0,), (-1.92e9 + 0.5,), (0.02,)))
    assert texts(table) == [["-1.087e9"], ["-1.92e9"], ["0.02000"]]
    assert texts(Table(("bytes",), ((1e9,), (2.0,)))) == [["1,000,000,000"], ["2"]]
