import msgspec
from tests.report.reading import Page
from tests.report.sample import DESIGN, plain, reviewed

from sixfold.report import load


def text(found):
    return Page(load.section(found)).text


def test_numbers_stand_beside_what_the_log_held():
    assert "Users 1 000 000 1 000" in text(reviewed())
    assert "Items 2 000 000 4 800" in text(reviewed())
    assert "Requests per month 25 920 000 –" in text(reviewed())


def test_the_rates_follow_from_the_month():
    assert "10.0 requests/s on the mean and 30.0 at the peak" in text(reviewed())
    bare = msgspec.structs.replace(DESIGN.scale, requests_per_month=None)
    assert "states no requests per month" in text(reviewed(msgspec.structs.replace(DESIGN, scale=bare)))


def test_a_log_without_decisions_shows_nothing_per_request():
    held = msgspec.structs.replace(DESIGN.scale, shown_per_request=20, positive_rate=0.02)
    design = msgspec.structs.replace(DESIGN, scale=held)
    assert "Shown per request 20 20.0" in text(reviewed(design))
    assert "Shown per request 20 –" in text(reviewed(design, plain()))


def test_the_line():
    assert load.summary(reviewed()).replace("\u202f", " ") == "1 000 000 users, 2 000 000 items"
