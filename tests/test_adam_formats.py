"""Cells and files of ADaM datasets: dates, numbers, what survives a format, and files that are none."""

import base64
import datetime
import json
import zlib

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from redose.adam import cells, formats
from redose.tables import Unreadable

FIRST_OF_2020 = 21915.0  # SAS: days since 1 January 1960


@pytest.mark.parametrize(
    "text",
    [
        "2020-01-01",
        "2020-01-01T23:59",
        "2020-01-01 00:00:00+00:00",
        "20200101",
        "01JAN2020",
        "1jan2020:12:00:00",
        "21915",
        "21915.0",
        "1893456000",
        "1893542399",
    ],
)
def test_a_date_in_each_of_its_forms(text):
    assert cells.date(text) == FIRST_OF_2020


@pytest.mark.parametrize(
    "text", ["", "2020", "2020-01", "2020-02-30", "01/02/2020", "20201301", "1xyz2020", "UNK", "1e400"]
)
def test_what_is_no_whole_date(text):
    assert np.isnan(cells.date(text))


def test_columns_of_csv_are_numbers_only_where_all_of_them_are():
    def untyped(name, *texts):
        return cells.untyped(name, pd.Series(texts, dtype=object)).tolist()

    assert untyped("AGE", "63.0", "", " 64 ") == ["63", "", "64"]
    assert untyped("LBLLOQ", "1e-05", "0.00100") == ["1e-05", "0.001"]
    assert untyped("SITEID", "007", "010") == ["007", "010"]
    assert untyped("USUBJID", "1.10", "1.1") == ["1.10", "1.1"]  # two patients
    assert untyped("AVALC", "1.50", "<1.5") == ["1.50", "<1.5"]


FRAME = pd.DataFrame(
    {
        "USUBJID": ["001", "002", "003"],
        "AVAL": [0.1, np.nan, 1e15],
        "ADT": [datetime.date(2020, 1, 1), None, datetime.date(1959, 12, 31)],
        "AVALC": ["<0.1", "", "Größe"],
    }
)
# FRAME as SAS7BDAT, by the writer of ReadStat in the sources of pyreadstat 1.3.7 (readstat_begin_writing_sas7bdat),
# which pyreadstat does not offer; compressed by zlib, in base 85.
SAS7BDAT = (
    "c-muNK!8K98WT2)2%g_NiGzXjxM7ckynvvw5`(cZBa<N`M2QFk12ZFvxG|%$F@uN*g90-n%$#7yU<Ef%A6G{gA14JofPnyTaSU-pQm62X<DM"
    "fDjS2)Hm=R6bQqRD|z|hy!Co`|K0!iFh&(J{6K-bXF%s|i3P|pzExC#ricrz0eAq5}5d{-DoS3hIdoquTV90j9b6pVsVFbYP&C>RB!U=)mkQ"
    "7{Sy4Va1Ox1xaQY)}RhKLZbty1@hCYA~a!I{+1zK+~VW1)(FDP{l={;vp~rXovj<Cxo^^6R&}a$DoNj;84#16?Z^$&jAkX;te>&9SDe{TRUq"
    "e2<)^6+m&|J!N9-}JjP*Tpl1jl!?^gP9!47&7@>`Yn5cct=5dCY_F=z)fiYOzz3A|^!}C)WMpNo27zLwX6pVtw1pfX04+hlM&xu352?GmV>?"
    "c}3MEidYC?8f)voNp%+XgJ~Rsu6nB?Fq<|3LM6K=}et8r;NSK{T8od`1QiG`<85^&s#c&0P!(Dh%vkS_kS10|rP_&I0ICRPYz77pd(df<AWx"
    "nwtp@aSaF!4t4VKbYXA|bM$d^2?5R7xPsWu=mGTy)vvISV5d>K<Y7k*V^}+l4XxeAhURBRH20zN|D&m6MN`L$mM$34{E5zoCO?Ad?-!Bke*U"
    "K{Jr6bT4G56q2L`?a0k|a%<@2G*3mPb)<X2`K=A)YnQ!mVbmT95D94(#vA7Sx9tNtjd0G7{~(D>YFd|os@KN_EdW<KRWN?RgG_V9q&GDO<U0"
    "(2=OMk!hcXEEar8ZZC=G5z~*"
)
EXPECTED = {
    "USUBJID": ["001", "002", "003"],
    "AVAL": ["0.1", "", "1000000000000000"],
    "ADT": ["2020-01-01", "", "1959-12-31"],
    "AVALC": ["<0.1", "", "Größe"],
}


@pytest.mark.parametrize("ending", ["5.xpt", "8.xpt", ".sas7bdat", ".csv", ".parquet", ".json", ".ndjson"])
def test_every_format_reads_alike(ending, tmp_path):
    path = tmp_path / f"x{ending}"
    about = [{"name": n, "dataType": "double" if n == "AVAL" else "string"} for n in FRAME]
    rows = [["001", 0.1, "2020-01-01", "<0.1"], ["002", None, None, ""], ["003", 1e15, "1959-12-31", "Größe"]]
    if ending.endswith(".xpt"):
        pyreadstat.write_xport(FRAME, str(path), file_format_version=int(ending[0]))
    elif ending == ".sas7bdat":
        path.write_bytes(zlib.decompress(base64.b85decode(SAS7BDAT)))
    elif ending == ".csv":
        FRAME.rename(columns={"AVAL": " aval"}).to_csv(path, index=False, encoding="utf-8-sig")
    elif ending == ".parquet":
        FRAME.to_parquet(path)
    elif ending == ".json":
        path.write_text(json.dumps({"columns": about, "rows": rows}), encoding="utf-8")
    else:
        path.write_text("\n".join(json.dumps(line) for line in [{"columns": about}, *rows]), encoding="utf-8")
    assert formats.read(path, None, "utf-8").to_dict("list") == EXPECTED
    some = formats.read(path, ["ADT", "NOTHERE"], "utf-8")
    assert some.to_dict("list") == {"ADT": EXPECTED["ADT"]} and some.index.tolist() == [1, 2, 3]


@pytest.mark.parametrize("ending", [".csv", ".xpt"])
def test_another_encoding_is_named(ending, tmp_path):
    path = tmp_path / f"x{ending}"
    if ending == ".csv":
        FRAME.to_csv(path, index=False, encoding="windows-1252")
    else:
        pyreadstat.write_xport(FRAME, str(path), file_format_version=5)
        path.write_bytes(path.read_bytes().replace("Größe".encode(), "Größe".encode("windows-1252") + b"  "))
    assert formats.read(path, None, "windows-1252")["AVALC"].tolist() == EXPECTED["AVALC"]
    with pytest.raises(Unreadable) as fault:
        formats.read(path, None, "utf-8")
    assert "windows-1252" in fault.value.cure
    with pytest.raises(Unreadable):
        formats.read(path, None, "no such encoding")


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(1e-78, 1e74) | st.floats(-1e74, -1e-78) | st.integers(-(2**53), 2**53), min_size=1))
def test_xpt_holds_every_double_of_its_range_bit_for_bit(tmp_path, values):
    pyreadstat.write_xport(pd.DataFrame({"AVAL": np.array(values, float)}), str(tmp_path / "x.xpt"))
    back = formats.read(tmp_path / "x.xpt", None, "utf-8")["AVAL"]
    assert [float(text) for text in back] == [float(value) for value in values]


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=400), ending=st.sampled_from(sorted(formats.READERS)), head=st.booleans())
def test_any_bytes_are_read_or_refused_by_our_own_error(tmp_path, content, ending, head):
    path = tmp_path / f"x{ending}"
    if head and ending in (".xpt", ".parquet"):
        writer = FRAME.to_parquet if ending == ".parquet" else lambda p: pyreadstat.write_xport(FRAME, str(p))
        writer(path)
        whole = path.read_bytes()
        content = whole[: len(whole) // 2] + content + whole[len(whole) // 2 + len(content) :]
    path.write_bytes(content)
    try:
        formats.read(path, None, "utf-8")
    except Unreadable as fault:
        assert fault.message and fault.cure


@pytest.mark.parametrize(
    "content",
    [
        '{"columns": [], "rows": [[1]]}',
        '{"rows": []}',
        "[]",
        "1",
        '{"columns": [{"name": "A"}, {"name": "a"}], "rows": []}',
        '{"columns": 1, "rows": 2}',
        "[" * 100_000,
        '{"columns": [{"name": "A", "dataType": "double"}], "rows": [["x"]]}',
    ],
)
def test_json_that_is_no_dataset(content, tmp_path):
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(Unreadable):
        formats.read(path, None, "utf-8")


def test_a_spreadsheet_is_named_as_one(tmp_path):
    (tmp_path / "adsl.csv").write_bytes(b"PK\x03\x04rest")
    with pytest.raises(Unreadable, match="is a spreadsheet"):
        formats.read(tmp_path / "adsl.csv", None, "utf-8")
