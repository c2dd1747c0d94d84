"""Texts and numbers that stand for moments."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.connectors.sql.forms import ALTERNATIVES, DEFAULTS, sample_form
from twofold.connectors.sql.stamps import (
    STAMP,
    STAMP_FORMS,
    StampForm,
    number_text,
    parse_dates,
    parse_stamps,
    parse_times,
    sample_stamps,
    stamp_micros,
    time_micros,
)
from twofold.core.schema import FieldType

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENTS = st.timedeltas(timedelta(days=-25_000), timedelta(days=2_900_000)).map(lambda after: EPOCH + after)
FORMS = [
    *STAMP_FORMS,
    StampForm(width=10, zone=""),
    *(StampForm(unit, width=0) for unit in ("seconds", "milliseconds")),
]
TEXTS = st.one_of(
    st.from_regex(r"\A\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?\Z"),
    st.text(max_size=30),
)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-01-02", datetime(2024, 1, 2, tzinfo=UTC)),
        ("2024-01-02 03:04", datetime(2024, 1, 2, 3, 4, tzinfo=UTC)),
        ("2024-01-02T03:04:05Z", datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2024-01-02 03:04:05.1", datetime(2024, 1, 2, 3, 4, 5, 100_000, tzinfo=UTC)),
        ("2024-01-02 03:04:05.1234567+02:00", datetime(2024, 1, 2, 1, 4, 5, 123_456, tzinfo=UTC)),
        ("2024-01-02T03:04:05-0330", datetime(2024, 1, 2, 6, 34, 5, tzinfo=UTC)),
        ("2024-01-02 03:04:05+00", datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2024-02-30", None),
        ("yesterday", None),
        ("infinity", None),
    ],
)
def test_a_stamp_is_read_in_any_usual_form(text: str, moment: datetime | None) -> None:
    assert parse_stamps(pl.Series([text])).to_list() == [moment]


@given(TEXTS)
def test_one_stamp_is_read_as_a_column_of_them_is(text: str) -> None:
    [column] = parse_stamps(pl.Series([text], dtype=pl.String)).to_list()
    micros = stamp_micros(text)
    assert column == (None if micros is None else EPOCH + timedelta(microseconds=micros))


@given(MOMENTS, st.sampled_from(FORMS))
def test_what_a_form_writes_is_read_back_up_to_its_precision(moment: datetime, form: StampForm) -> None:
    [written] = form.write(pl.Series([moment], dtype=STAMP))
    text = number_text(written, form.unit) if isinstance(written, int) else written
    [back] = parse_stamps(pl.Series([text], dtype=pl.String)).to_list()
    assert timedelta(0) <= moment - back < form.step


@given(st.sampled_from(FORMS))
def test_a_form_is_recognised_in_what_it_wrote(form: StampForm) -> None:
    moments = [
        datetime(2024, 1, 2, 3, 4, 5, 678_912, tzinfo=UTC),
        datetime(2023, 9, 8, 7, 6, 5, 432_198, tzinfo=UTC),
    ]
    found = sample_stamps(form.write(pl.Series(moments, dtype=STAMP)))
    assert found is not None
    written = form.write(pl.Series(moments, dtype=STAMP))
    assert found.write(pl.Series(moments, dtype=STAMP)) == written


def test_most_values_decide_the_form_and_the_finest_its_fraction() -> None:
    values = ["2024-01-02 03:04:05", "2024-01-02 03:04:05.123", "2024-01-02T03:04:05Z", "rubbish"]
    assert sample_stamps(values) == StampForm(separator=" ", width=23, zone="")


def test_no_stamps_have_no_form() -> None:
    assert sample_stamps(["rubbish", b"\x00"]) is None


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (1_704_164_645, datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (1_704_164_645_678, datetime(2024, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)),
        (1_704_164_645_678_901, datetime(2024, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)),
        (2_460_311.5, datetime(2024, 1, 2, tzinfo=UTC)),
    ],
)
def test_numbers_count_from_1970_or_are_julian_days(value: float, moment: datetime) -> None:
    assert datetime.fromisoformat(number_text(value) or "") == moment


def test_a_number_beyond_all_years_is_no_moment() -> None:
    assert number_text(1e300) is None
    assert number_text(float("nan")) is None


def test_a_date_with_a_time_is_no_date_unless_it_is_midnight() -> None:
    texts = pl.Series(["2024-01-02", "2024-01-02 00:00:00", "2024-01-02 00:00:01"])
    assert parse_dates(texts).to_list() == [date(2024, 1, 2), date(2024, 1, 2), None]


def test_times_of_day_may_lack_their_seconds() -> None:
    texts = pl.Series(["03:04", "03:04:05.5", "24:00:00"])
    assert parse_times(texts).to_list() == [time(3, 4), time(3, 4, 5, 500_000), None]
    assert [time_micros(text) for text in texts] == [11_040_000_000, 11_045_500_000, None]


def test_a_zone_other_than_utc_is_written_as_utc() -> None:
    form = sample_stamps(["2024-01-02 03:04:05+02:00"])
    assert form is not None
    moment = datetime(2024, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2))).astimezone(UTC)
    assert form.write(pl.Series([moment], dtype=STAMP)) == ["2024-01-02 01:04:05+00:00"]


@pytest.mark.parametrize("kind", [FieldType.BOOLEAN, FieldType.GUID, FieldType.TIME])
def test_every_usual_form_is_recognised_in_what_it_wrote(kind: FieldType) -> None:
    examples = {
        FieldType.BOOLEAN: pl.Series([True, False, True]),
        FieldType.GUID: pl.Series(["0190aaaa-bbbb-7ccc-8ddd-eeeeffff0001"]),
        FieldType.TIME: pl.Series([time(1, 2, 3, 456_789)]),
    }
    for form in (DEFAULTS[kind], *ALTERNATIVES[kind]):
        written = form.write(examples[kind])
        found = sample_form(kind, written)
        assert found is not None
        assert found.write(examples[kind]) == written
