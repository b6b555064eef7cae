"""Files that mean us harm: little of them is unpacked, and what is read of them ends."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable

import pytest

from support.processes import grown_mb
from trunkline.core.errors import InvalidInput
from trunkline.domain.leads import readers, rules
from trunkline.domain.leads.readers import Torn

_NS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"

HEAD = '<row r="1"><c r="A1" t="inlineStr"><is><t>phone</t></is></c></row>'


def workbook(
    rows: str, *, before: str = "", parts: dict[str, str] | None = None, packed: int = zipfile.ZIP_DEFLATED,
    shared: str = "xl/sharedStrings.xml",
) -> io.BytesIO:  # fmt: skip
    """Return a workbook as somebody writes it by hand."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packed) as book:
        book.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{_PACKAGE}/content-types">'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
            f'<Override PartName="/{shared}" ContentType="{_KIND}.sharedStrings+xml"/></Types>',
        )
        book.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{_NS}" xmlns:r="{_REL}"><sheets><sheet name="S" sheetId="1" r:id="rId1"/>'
            "</sheets></workbook>",
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
            f'Type="{_REL}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        )
        book.writestr(
            "xl/worksheets/sheet1.xml",
            f'<worksheet xmlns="{_NS}">{before}<sheetData>{rows}</sheetData></worksheet>',
        )
        for name, content in {shared: f'<sst xmlns="{_NS}"/>', **(parts or {})}.items():
            book.writestr(name, content)
    return file


def texts(content: str) -> str:
    return f'<sst xmlns="{_NS}">{content}</sst>'


def read(file: io.BytesIO) -> list[tuple[int, list[str]]]:
    return list(readers.read_rows(file, readers.shape_of(file).encoding))


def test_a_workbook_s_rows_may_lie_far_apart_and_end_with_its_last_cell() -> None:
    far = '<row r="1048576"><c r="B1048576"><v>5</v></c><c r="ZZ1048576"><v>6</v></c><c r="F1048576"/></row>'
    began = time.process_time()
    assert read(workbook(HEAD + far)) == [(1, ["phone"]), (1_048_576, ["", "5"])]
    assert time.process_time() - began < 2.0


@pytest.mark.parametrize("number", ["99999999999", "1048577", "1", "0", "-4", "9" * 5_000])
def test_a_row_s_number_rises_and_is_one_that_excel_has(number: str) -> None:
    file = workbook(f'{HEAD}<row r="{number}"><c><v>5</v></c></row>')
    with pytest.raises(InvalidInput, match="behind row 1"):
        read(file)


@pytest.mark.parametrize("claim", ["A1:B99999999999", "A1:B1048577", "A1", "nonsense", "", "A1:B" + "9" * 9])
def test_what_a_sheet_claims_to_be_is_not_believed(claim: str) -> None:
    file = workbook(HEAD, before=f'<dimension ref="{claim}"/>')
    assert readers.shape_of(file).expected in {None, 0}
    assert read(file) == [(1, ["phone"])]


def test_a_sheet_that_says_how_many_rows_it_has_is_heard() -> None:
    assert readers.shape_of(workbook(HEAD, before='<dimension ref="A1:$B$31"/>')).expected == 30


SHARED = '<row r="2">' + "<c t='s'><v>0</v></c>" * 200 + "</row>"

LONG = f"<si><t>{'a' * 5_000_000}</t></si>"
STYLES = f'<styleSheet xmlns="{_NS}"><fonts>{"<font><b/></font>" * 1_000_000}</fonts></styleSheet>'

BOMBS: dict[str, Callable[[int], io.BytesIO]] = {
    "a long shared text": lambda packed: workbook(
        HEAD + SHARED, parts={"xl/sharedStrings.xml": texts(LONG)}, packed=packed
    ),
    "styles": lambda packed: workbook(
        HEAD,
        parts={"xl/styles.xml": STYLES},
        packed=packed,
    ),
    "a row": lambda packed: workbook(f"{HEAD}<row>{'<c><v>1</v></c>' * 2_000_000}</row>", packed=packed),
    "what is no row": lambda packed: workbook(HEAD, before="<a/>" * 8_000_000, packed=packed),
    "shared texts by another name": lambda packed: workbook(
        HEAD + SHARED, parts={"xl/other.xml": texts("<si/>" * 14_000_000)},
        packed=packed, shared="xl/other.xml",
    ),
}  # fmt: skip


@pytest.mark.parametrize("packed", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
@pytest.mark.parametrize("what", BOMBS)
def test_a_workbook_is_refused_before_it_fills_the_memory(what: str, packed: int) -> None:
    file = BOMBS[what](packed)

    def refused() -> None:
        with pytest.raises(InvalidInput, match="too large"):
            read(file)

    assert grown_mb(refused) < 160


@pytest.mark.parametrize(
    ("count", "most_mb"), [(100_000, 15), pytest.param(500_000, 30, marks=pytest.mark.soak)]
)
def test_many_shared_texts_take_about_as_much_memory_as_they_have_bytes(count: int, most_mb: float) -> None:
    some = texts("<si><t>ab</t></si>" * count)
    row = f'<row r="2"><c t="s"><v>{count - 1}</v></c><c t="s"><v>0</v></c></row>'
    file = workbook(HEAD + row, parts={"xl/sharedStrings.xml": some}, packed=zipfile.ZIP_STORED)
    grown = grown_mb(lambda: read(file))
    assert grown < most_mb
    assert read(file)[1] == (2, ["ab", "ab"])


def test_a_shared_text_is_cut_before_many_cells_show_it() -> None:
    long = texts(f"<si><t>{'ש' * 300_000}</t></si>")
    file = workbook(HEAD + SHARED, parts={"xl/sharedStrings.xml": long}, packed=zipfile.ZIP_STORED)
    cells = read(file)[1][1]
    assert {len(cell) for cell in cells} == {32_767}
    assert grown_mb(lambda: rules.fault(2, cells, "reason", "code")) < 10
    assert len(rules.fault(2, cells, "reason", "code").content) == 1_000


def test_a_part_with_a_document_type_is_refused() -> None:
    declared = '<!DOCTYPE sst [<!ENTITY a "aaaaaaaaaa">]>' + texts("<si><t>&a;</t></si>")
    with pytest.raises(InvalidInput, match="cannot be read behind row 1"):
        read(workbook(HEAD + SHARED, parts={"xl/sharedStrings.xml": declared}))


def test_a_zip_of_very_many_parts_is_refused() -> None:
    file = workbook(HEAD, parts={f"xl/{number}": "" for number in range(22_000)})
    assert file.tell() < 50 * 1024 * 1024
    with pytest.raises(InvalidInput, match="too large"):
        readers.shape_of(file)


def test_a_shared_text_is_read_without_its_looks() -> None:
    dana = "<si><r><rPr><b/></rPr><t>Da</t></r><r><t>na</t></r><rPh><t>no</t></rPh></si>"
    parts = {"xl/sharedStrings.xml": texts(f"{dana}<si/><si><t>x</t></si>")}
    cells = "".join(f'<c t="s"><v>{number}</v></c>' for number in (2, 0, 1, 2))
    assert read(workbook(f"{HEAD}<row>{cells}</row>", parts=parts))[1][1] == ["x", "Dana", "", "x"]
    for beyond in ("3", "-1"):
        with pytest.raises(InvalidInput, match="behind row 1"):
            read(workbook(f'{HEAD}<row><c t="s"><v>{beyond}</v></c></row>', parts=parts))


def test_a_long_sheet_that_claims_nothing_is_read() -> None:
    file = workbook(HEAD + "<row><c><v>1</v></c></row>" * 60_000, packed=zipfile.ZIP_STORED)
    assert len(read(file)) == 60_001


def test_whoever_reads_is_asked_for_while_rows_are_blank() -> None:
    asked = 0

    def alive() -> None:
        nonlocal asked
        asked += 1

    files = [
        workbook(HEAD + "<row><c/></row>" * 5_000, packed=zipfile.ZIP_STORED),
        io.BytesIO(b"phone\n" + b"\n" * 5_000),
    ]
    for file in files:
        asked = 0
        list(readers.read_rows(file, readers.shape_of(file).encoding, alive=alive))
        assert asked == 5


def test_a_line_of_commas_is_cut_or_refused() -> None:
    cells = read(io.BytesIO(b"phone" + b"," * 200_000 + b"\n1\n"))[0][1]
    assert len(cells) == 200

    def refused() -> None:
        with pytest.raises(InvalidInput, match="too long"):
            read(io.BytesIO(b"phone" + b"," * 4_000_000 + b"\n1\n"))

    assert grown_mb(refused) < 30


@pytest.mark.parametrize("last", ["", '0501234564,"Gil"\n0501234565,Noa\n', '5,""\n', '5,"x"\n"y'])
def test_an_open_quote_costs_nobody_but_its_own_line(last: str) -> None:
    file = io.BytesIO(f'phone,name\n0501234561,"Dana\n0501234562,Bob\n0501234563,Eve\n{last}'.encode())
    rows = list(readers.read_rows(file, "utf-8", one_line=[1, 2]))
    assert rows[1] == (2, ["0501234561", "Dana\n"])
    assert isinstance(rows[1][1], Torn)
    assert rows[2:4] == [(3, ["0501234562", "Bob"]), (4, ["0501234563", "Eve"])]
    assert len(rows) == 4 + last.count("\n") + (not last.endswith("\n") and bool(last))


def test_a_row_of_several_lines_has_them_where_they_may_be() -> None:
    content = (
        'phone,name,notes\n1,"A",\n2,B,"one\ntwo\n\nthree"\n3,"C\nD",x\n4,E,"no\nend",\n5,"F ""G"" H",y\n'
        '6,"I" J,z\n7,K "L" M,w\n'
    )
    rows = list(readers.read_rows(io.BytesIO(content.encode()), "utf-8", one_line=[1, 2]))
    assert [row for row in rows if not isinstance(row[1], Torn)] == [
        (1, ["phone", "name", "notes"]),
        (2, ["1", "A", ""]),
        (3, ["2", "B", "one\ntwo\n\nthree"]),
        (8, ['D"', "x"]),
        (10, ['end"', ""]),
        (11, ["5", 'F "G" H', "y"]),
        (12, ["6", "I J", "z"]),
        (13, ["7", 'K "L" M', "w"]),
    ]
    assert [(line, cells[0]) for line, cells in rows if isinstance(cells, Torn)] == [(7, "3"), (9, "4")]


def test_a_quote_that_is_closed_very_far_away_was_left_open() -> None:
    lines = [f"{number},x" for number in range(200)]
    file = io.BytesIO("\n".join(["phone,notes", '7,"x', *lines, 'y"']).encode())
    rows = list(readers.read_rows(file, "utf-8", one_line=[1]))
    assert [isinstance(cells, Torn) for _, cells in rows].count(True) == 1
    assert len(rows) == 203
