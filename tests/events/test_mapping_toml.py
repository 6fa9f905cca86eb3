from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sixfold.errors import DataError
from sixfold.events import mapping as mapping_module
from sixfold.events.mapping import (
    Attribute,
    DecisionTable,
    EntityTable,
    Followed,
    Given,
    ImpressionTable,
    Key,
    Mapping,
    Number,
    OutcomeTable,
    Place,
    Took,
)
from sixfold.events.mapping_toml import load_mapping, parse_mapping, write_mapping
from sixfold.events.places import Area
from sixfold.events.sniffing import Form
from sixfold.events.times import Time

HEAD = '[[table]]\nfile = "r.csv"\nkind = "outcome"\nname = "rating"\nts = "t"\n'
TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=10)


def test_the_example_in_the_documentation_is_a_mapping() -> None:
    text = inspect.getdoc(mapping_module) or ""
    example = parse_mapping(inspect.cleandoc(text[text.index("[[table]]") : text.index("Read next")]))
    assert [type(table) for table in example.table] == [
        OutcomeTable, EntityTable, ImpressionTable, DecisionTable, EntityTable,
    ]  # fmt: skip


@given(file=TEXT, column=TEXT, split=TEXT, comment=TEXT)
def test_what_is_written_is_read_back(file: str, column: str, split: str, comment: str) -> None:
    form = Form(delimiter="\t", columns=(column, "b"))
    time, number = Time(column, unit="ms", timezone="Asia/Tokyo"), Number(column, at_least=0.5, decimal=",")
    values: dict[str, str | Attribute] = {"a": Attribute(column, split=split), "b": Attribute(flags={column: "x"})}
    mapping = Mapping(
        (
            OutcomeTable(file, "x", time, {"member": Key(column, integer=True)}, number, column, {column: split}, form),
            EntityTable(file, "movie", column, values),
            ImpressionTable(file, column, {"member": column}, {"v": column}, outcomes={"x": Followed(flag=column)}),
            DecisionTable(
                file,
                Time(columns=(column, "b")),
                {"order": Key(column, required=False)},
                column,
                {"drop": Given(lat=column, lon="b"), "n": Given(column, type="number", at_least=-0.5), "w": column},
                {"done": Took(ts=time, at_least="1m"), "x": Took(value=column, unit="min")},
                Area(-1, 2.5, 3, 4),
                {column: split},
            ),
            EntityTable(file, "store", column, place=Place(column, "b"), area=Area(-1, 2.5, 3, 4)),
        )
    )
    assert parse_mapping(write_mapping(mapping, comments={file: [comment]})) == mapping


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HEAD + 'keys = {m = "u"}\nvalu = "r"', r"unknown entry 'valu' at table\[0\]; did you mean 'value'\?"),
        (HEAD + 'keys = {m = "u"}\nform = {delimeter = ";"}', "'delimeter'.*did you mean 'delimiter'"),
        (HEAD + 'keys = {m = {colum = "u"}}', "'colum'.*did you mean 'column'"),
        (HEAD.replace("outcome", "outcom") + 'keys = {m = "u"}', "outcom"),
        (HEAD, "keys"),
        (HEAD + "keys = {}", "has no keys"),
        (HEAD + 'keys = {value = "u"}', "the log keeps for itself"),
        (HEAD.replace('"t"', '{column = "t", timezone = "Mars"}') + 'keys = {m = "u"}', "'Mars'"),
        ("table = []", "no .*table"),
        ("[[table", "not valid TOML"),
        ('[[tables]]\nfile = "x"', "'tables' at the top; did you mean 'table'"),
        ('[[table]]\nfile = "x"\nkind = "entity"\nof = "m"\nkey = "k"\n[table.values]\ng = {split = "|"}', "give one"),
        ('[[table]]\nfile = "x"\nkind = "impression"\nts = "t"\nkeys = {m = "u"}\nitem = {}', "0 entries in item"),
    ],
)
def test_errors_name_the_entry(text: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        parse_mapping(text)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        load_mapping(tmp_path / "mapping.toml")
