import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sixfold.errors import DesignError
from sixfold.events.places import REASONS, Area, checked_places, is_place

law = settings(max_examples=60, deadline=None)
CITY = Area(52.2, 4.7, 52.5, 5.1)
inside = st.lists(st.tuples(st.floats(52.2, 52.5), st.floats(4.7, 5.1)), min_size=1, max_size=10).map(
    lambda drawn: np.array(drawn).T
)


def said(lat, lon, area=None):
    return [REASONS[code] for code in checked_places(lat, lon, area=area)]


@law
@given(inside)
def test_every_way_to_spoil_a_place_is_named(drawn):
    lat, lon = drawn
    n = len(lat)
    assert said(lat, lon, CITY) == [""] * n
    assert said(lon, lat, CITY) == ["latitude and longitude are swapped"] * n
    assert said(-lat, lon, CITY) == said(lat, -lon, CITY) == said(-lat, -lon, CITY) == ["a sign is lost"] * n
    assert said(lat + 1, lon, CITY) == ["outside the area served"] * n
    assert said(np.full(n, np.nan), lon, CITY) == ["a coordinate is missing"] * n


def test_without_an_area_only_the_impossible_shows():
    lat = [0.0, 52.0, 4.0, 120.0, 120.0, np.inf, -33.0]
    lon = [0.0, 4.0, 52.0, 40.0, 140.0, 1.0, -190.0]
    assert said(lat, lon) == [
        "the place is (0, 0)",
        "",
        "",
        "latitude and longitude are swapped",
        "no such place on Earth",
        "a coordinate is missing",
        "no such place on Earth",
    ]


def test_an_area_may_cross_the_date_line():
    fiji = Area(-20, 176, -15, -178)
    assert said([-18.0, -18.0, -18.0], [178.0, -179.0, 0.0], fiji) == ["", "", "outside the area served"]


def test_an_area_is_data_and_is_checked():
    assert msgspec.json.decode(msgspec.json.encode(CITY), type=Area) == CITY
    with pytest.raises(DesignError, match="south below north"):
        Area(1, 0, 0, 1)


AREAS = (None, Area(52.2, 4.7, 52.5, 5.1), Area(-20, 170, -10, -170))
NUMBERS = st.sampled_from(
    [0.0, 1e-7, 4.89, 52.37, -52.37, 90.0, 180.0, -175.0, -15.0, np.nan, np.inf, -np.inf]
) | st.floats(-400, 400)


@law
@given(NUMBERS, NUMBERS, st.sampled_from(AREAS))
def test_one_place_is_judged_as_many_are(lat: float, lon: float, area: Area | None):
    assert is_place(lat, lon, area=area) == (checked_places([lat], [lon], area=area)[0] == 0)
