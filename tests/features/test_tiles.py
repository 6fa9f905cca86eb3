import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sixfold.errors import DataError
from sixfold.features.geography import apart_km
from sixfold.features.tiles import FINEST, cells, centres, ladder, level_of, levels, names, pairs, parents

law = settings(max_examples=60, deadline=None)
places = st.lists(st.tuples(st.floats(-85, 85), st.floats(-180, 180)), min_size=1, max_size=20).map(
    lambda drawn: np.array(drawn).T
)
level = st.integers(0, FINEST)


@law
@given(places, level, st.data())
def test_a_parent_holds_exactly_what_its_children_do(drawn, deep, data):
    up = data.draw(st.integers(0, deep))
    assert (parents(cells(*drawn, level=deep), up=up) == cells(*drawn, level=deep - up)).all()


@law
@given(places, level)
def test_a_centre_is_in_its_cell_and_near_its_places(drawn, deep):
    found = cells(*drawn, level=deep)
    lat, lon = centres(found)
    assert (cells(lat, lon, level=deep) == found).all()
    assert (levels(found) == deep).all()
    around = np.abs((lon - drawn[1] + 180) % 360 - 180)
    assert (around <= 180 / 2**deep + 1e-9).all()


@law
@given(places, level)
def test_a_name_is_the_quarters_taken_and_begins_with_its_parents(drawn, deep):
    found = cells(*drawn, level=deep)
    own, above = names(found).tolist(), names(parents(found)).tolist()
    assert own == [np.base_repr(int(cell), 4)[1:].encode() for cell in found]
    assert all(name.startswith(parent) for name, parent in zip(own, above, strict=True))


def test_cells_are_square_on_the_ground_and_as_wide_as_asked():
    lat, lon = 52.37, 4.89
    deep = level_of(1.0, lat=lat)
    own = cells([lat], [lon], level=deep)
    y, x = (part[0] for part in centres(own))
    step = 360 / 2**deep
    width = abs(float(apart_km(y, x, y, x + step).east))
    _, beside = centres(cells([y], [x + step], level=deep))
    assert beside[0] == pytest.approx(x + step)
    assert 0.7 < width < 1.42
    below = [float(row) for row in np.linspace(y - 0.02, y, 4001) if cells([row], [x], level=deep)[0] == own[0]]
    assert 2 * float(apart_km(below[0], x, y, x).north) == pytest.approx(width, rel=0.01)


def test_what_is_missing_has_no_cell_and_the_edges_have_one():
    found = cells([np.nan, 1.0, np.inf], [1.0, np.nan, 1.0], level=9)
    assert found.tolist() == [0, 0, 0]
    assert np.isnan(centres(found)).all()
    assert levels(found).tolist() == [-1] * 3 and names(found).tolist() == [b""] * 3
    assert pairs(found, cells([1.0], [1.0], level=9)).tolist() == [0, 0, 0]
    edges = cells([90, -90, 0, 0], [0, 0, 180, -180], level=20)
    assert (levels(edges) == 20).all() and edges[2] == edges[3]


def test_a_ladder_is_the_cells_of_its_levels_and_pairs_have_a_direction():
    lat, lon = np.array([40.7, 40.8]), np.array([-74.0, -73.9])
    expected = np.stack([cells(lat, lon, level=at) for at in (14, 11, 8)], axis=1)
    assert (ladder(lat, lon, levels=(14, 11, 8)) == expected).all()
    there, back = pairs(expected[:1, 0], expected[1:, 0]), pairs(expected[1:, 0], expected[:1, 0])
    assert there != back


def test_the_world_is_one_cell_and_levels_end():
    assert cells([10.0], [10.0], level=0).tolist() == [1]
    assert parents(np.array([1], np.uint64)).tolist() == [0]
    with pytest.raises(DataError, match="level is 27"):
        cells([0.0], [0.0], level=27)
