from __future__ import annotations

from functools import cache

import numpy as np

from sixfold.worlds.delivery_city import (
    CENTRE,
    HALF_KM,
    NEW_FROM_KM,
    City,
    crosses,
    degrees,
    district,
    draw_city,
    river,
)


@cache
def city() -> City:
    return draw_city(np.random.default_rng(0))


def places(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-HALF_KM, HALF_KM, (n, 2))


def haversine_km(a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    (lat, lon), (lat2, lon2) = np.radians(a), np.radians(b)
    half = np.sin((lat2 - lat) / 2) ** 2 + np.cos(lat) * np.cos(lat2) * np.sin((lon2 - lon) / 2) ** 2
    return 2 * 6371.0 * np.arcsin(np.sqrt(half))


def test_degrees_are_as_far_apart_as_the_kilometres():
    a, b = places(500, 1), places(500, 2)
    straight = np.hypot(*(a - b).T)
    np.testing.assert_allclose(haversine_km(degrees(a), degrees(b)), straight, rtol=0.005)
    assert np.abs(np.array(degrees(a)) - np.array(CENTRE)[:, None]).max() < 0.1


def test_a_way_follows_the_grid_and_over_the_river_the_nearest_bridge():
    a, b = places(2000, 1), places(2000, 2)
    way, over = city().route_km(a, b), crosses(a, b)
    grid = np.abs(a - b).sum(axis=1)
    assert 0.3 < over.mean() < 0.7
    np.testing.assert_allclose(way[~over], grid[~over])
    assert (way[over] >= grid[over] - 1e-9).all() and (way[over] > grid[over] + 0.1).mean() > 0.2
    some = np.flatnonzero(over)[:50]
    by_hand = [min(np.abs(a[i] - p).sum() + np.abs(p - b[i]).sum() for p in city().bridges) for i in some]
    np.testing.assert_allclose(way[some], by_hand)


def test_bridges_stand_in_the_river():
    np.testing.assert_allclose(city().bridges[:, 1], river(city().bridges[:, 0]))


def test_districts_are_squares_of_three_kilometres():
    at = np.array([[-6.0, -6.0], [-3.1, -6.0], [-2.9, -6.0], [5.9, -6.0], [-6.0, -2.9], [6.0, 6.0]])
    np.testing.assert_array_equal(district(at), [0, 0, 1, 3, 4, 15])


def test_customers_live_in_the_area_and_only_the_new_ones_in_the_new_district():
    hood = np.repeat(np.arange(len(city().share)), 200)
    place = city().customers(hood, np.random.default_rng(0))
    new = (place >= NEW_FROM_KM).all(axis=1)
    assert np.abs(place).max() <= HALF_KM
    assert new[hood == len(city().share) - 1].all()
    assert not (place[hood < len(city().share) - 1] > NEW_FROM_KM).all(axis=1).any()
    assert city().share[-1] == 0
