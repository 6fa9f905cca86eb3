import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sixfold.features.geography import EARTH_KM, apart_km, direction, great_circle_km, log_km

law = settings(max_examples=60, deadline=None)
place = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


def unit(lat, lon):
    lat, lon = np.radians(lat), np.radians(lon)
    return np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


@law
@given(place, place)
def test_the_great_circle_is_the_angle_between_two_vectors(a, b):
    first, second = unit(*a), unit(*b)
    angle = np.arctan2(np.linalg.norm(np.cross(first, second)), first @ second)
    assert great_circle_km(*a, *b) == pytest.approx(EARTH_KM * angle, abs=1e-4)
    assert great_circle_km(*a, *b) == pytest.approx(float(great_circle_km(*b, *a)), abs=1e-9)


@law
@given(st.floats(-60, 60), st.floats(-180, 180), st.floats(-0.05, 0.05), st.floats(-0.05, 0.05))
def test_north_and_east_are_the_legs_of_the_way(lat, lon, up, right):
    apart = apart_km(lat, lon, lat + up, lon + right)
    assert np.hypot(*apart) == pytest.approx(float(great_circle_km(lat, lon, lat + up, lon + right)), abs=1e-3)


@law
@given(st.floats(-60, 60), st.floats(-180, 180), st.floats(-0.02, 0.02), st.floats(-0.02, 0.02))
def test_a_bearing_points_along_the_legs(lat, lon, up, right):
    north, east = apart_km(lat, lon, lat + up, lon + right)
    length = np.hypot(north, east)
    if length < 0.01:
        return
    found = direction(lat, lon, lat + up, lon + right)
    assert (found.sin, found.cos) == (pytest.approx(east / length, abs=2e-3), pytest.approx(north / length, abs=2e-3))


def test_known_ways():
    assert direction(0, 0, 0, 10) == (1, 0)
    assert direction(0, 0, 10, 0) == (0, 1)
    assert direction(5, 5, 5, 5) == (0, 0)
    assert great_circle_km(0, 0, 0, 180) == pytest.approx(np.pi * EARTH_KM)
    assert apart_km(0, 179.5, 0, -179.5).east == pytest.approx(np.radians(1) * EARTH_KM)
    assert np.isnan(great_circle_km(np.nan, 0, 0, 0))


@law
@given(st.floats(-1e4, 1e4))
def test_log_distance_rises_and_keeps_the_sign(km):
    assert log_km(-km) == -log_km(km)
    assert log_km(km + 1) > log_km(km)
