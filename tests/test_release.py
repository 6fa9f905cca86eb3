"""A release is what was trained, to the bit; whatever was done to its folder since is found and named."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from sixfold import golden, journey, pipeline, release
from sixfold.errors import ReleaseError
from sixfold.events.schema import Events, concat
from sixfold.features import decay, record, windows
from sixfold.release import File, Manifest
from sixfold.training.material import prepare
from sixfold.types import Asks


@pytest.fixture
def folder(tiny, tmp_path) -> Path:
    """A copy of the tiny workspace's release, to be damaged."""
    return Path(shutil.copytree(tiny.release_path, tmp_path / tiny.release_path.name))


def sealed(folder: Path, **fields: object) -> None:
    """Write a manifest that fits the files as they are: what a careful forger does."""
    held = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    files = {name: release._measured(folder / name) for name in release._files(folder) if name != "manifest.json"}
    fresh = msgspec.structs.replace(held, **{"files": files, **fields})
    fresh = msgspec.structs.replace(fresh, id=release.identity(fresh))
    (folder / "manifest.json").write_bytes(msgspec.json.encode(fresh))


def edited(path: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    np.save(path, change(np.load(path)))


KINDS = [
    "design.json", "features.json", "metrics.json", "items.npy", "titles.npy", "sources/popular/counts.npy",
    "sources/ease/*.npy", "heads/watch/scorer/leaves.npy", "heads/watch/calibrator/*.npy", "golden/events.bin",
    "golden/rows.npy",
]  # fmt: skip


def one_of(folder: Path, pattern: str) -> str:
    return sorted(folder.glob(pattern))[0].relative_to(folder).as_posix()


def test_what_is_read_is_what_was_trained(tiny):
    kept, trained = release.read(tiny.release_path), tiny.trained.release
    assert (kept.id, kept.design, kept.manifest) == (trained.id, tiny.design, trained.manifest)
    assert kept.model.columns == trained.model.columns and kept.model.features == trained.model.features
    material = prepare(tiny.design, tiny.batches)
    members = np.arange(30, dtype=np.int32)
    device = np.full(30, material.log.decisions["context.device"][0])
    asks = Asks(members, np.full(30, material.cuts.end), {"context.device": device})
    one, other = (pipeline.decide(model, material.known, asks) for model in (trained.model, kept.model))
    np.testing.assert_array_equal(one.scored.value, other.scored.value)
    np.testing.assert_array_equal(one.slate, other.slate)
    assert list(kept.model.heads.heads) == list(tiny.design.heads), "the first head is the label's"
    assert list(kept.metrics["systems"]) == list(tiny.trained.evaluation.systems)
    assert list(kept.metrics["importance"]) == list(tiny.trained.evaluation.importance)
    assert kept.items.tolist() == material.ids["video"].names().tolist()


def test_same_seed_and_log_give_the_same_id(tiny, tmp_path):
    again = journey.train(tiny.design, tiny.batches, into=tmp_path)
    assert again.release.id == tiny.trained.release.id
    learning = msgspec.structs.replace(tiny.design.learning, seed=1)
    other = journey.train(msgspec.structs.replace(tiny.design, learning=learning), tiny.batches, into=tmp_path)
    assert other.release.id != again.release.id


def test_a_release_holds_arrays_and_json_and_nothing_else(tiny):
    assert {path.suffix for path in tiny.release_path.rglob("*") if path.is_file()} == {".json", ".npy", ".bin"}
    for path in tiny.release_path.rglob("*.npy"):
        assert np.load(path, allow_pickle=False).dtype.kind != "O"


def test_writing_the_same_twice_leaves_one_folder(tiny, tmp_path):
    kept = tiny.trained.release
    parts = {
        "items": kept.items, "titles": kept.titles, "sample": golden.read(tiny.release_path / "golden"),
        "digest": kept.manifest.digest, "cuts": kept.manifest.cuts,
    }  # fmt: skip
    first = release.write(tmp_path, kept.model, metrics=kept.metrics, **parts)
    second = release.write(tmp_path, kept.model, metrics={**kept.metrics, "seconds": {}}, **parts)
    assert first.id == second.id == kept.id, "metrics hold seconds, and are no part of the id"
    assert [path.name for path in tmp_path.iterdir()] == [kept.id]


@pytest.mark.parametrize("kind", KINDS)
def test_a_flipped_byte_is_found_and_named(folder, kind):
    name = one_of(folder, kind)
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(ReleaseError, match=f"{name} is damaged"):
        release.read(folder)


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_file_is_named(folder, kind):
    name = one_of(folder, kind)
    (folder / name).unlink()
    with pytest.raises(ReleaseError, match=f"{name} is missing; roll back"):
        release.read(folder)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_flipped_byte_of_the_manifest_is_found(folder, share):
    path = folder / "manifest.json"
    data = path.read_bytes()
    at = next(i for i in range(int(share * len(data)), len(data)) if chr(data[i]).isalnum())
    path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    with pytest.raises(ReleaseError):
        release.read(folder)


def test_a_changed_window_is_found(folder):
    """Every file is as it was; only what the manifest says of the data is not."""
    held = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    (folder / "manifest.json").write_bytes(msgspec.json.encode(msgspec.structs.replace(held, digest="0" * 16)))
    with pytest.raises(ReleaseError, match=r"manifest\.json is damaged"):
        release.read(folder)


@pytest.mark.parametrize("name", ["../outside.npy", "sources/../../outside.npy", "/etc/hostname"])
def test_a_path_that_escapes_is_refused(folder, name):
    held = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    fresh = msgspec.structs.replace(held, files={**held.files, name: File("0" * 64, 1)})
    fresh = msgspec.structs.replace(fresh, id=release.identity(fresh))
    (folder / "manifest.json").write_bytes(msgspec.json.encode(fresh))
    with pytest.raises(ReleaseError, match=f"names '{name}', outside the release"):
        release.read(folder)


def test_another_format_is_refused(folder):
    sealed(folder, format=99)
    with pytest.raises(ReleaseError, match="has format 99, this Sixfold reads 3"):
        release.read(folder)


def test_no_release(tmp_path):
    with pytest.raises(ReleaseError, match="there is no release at"):
        release.read(tmp_path)


def test_a_forged_release_that_changes_nothing_is_read(folder):
    """The seal of the tests below fits: what they find is what they changed."""
    before = release.verified(folder).id
    sealed(folder)
    assert release.read(folder).id == before


def beyond(array: np.ndarray) -> np.ndarray:
    array[0, 0] = 10_000
    return array


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("heads/watch/scorer/features.npy", beyond, "features.*10000"),
        ("heads/watch/scorer/leaves.npy", lambda a: a[:, :-1], "leaves.*shape"),
        ("heads/watch/scorer/borders.npy", lambda a: a.astype(np.float64), "borders.*float64"),
        ("heads/watch/scorer/bias.npy", lambda a: a * np.nan, "bias"),
        ("sources/popular/counts.npy", lambda a: a[:, None], "counts"),
        ("sources/popular/counts.npy", lambda a: a * np.float32(np.inf), "counts"),
    ],
)
def test_a_forged_array_is_refused_by_its_bounds(folder, name, change, said):
    with np.errstate(invalid="ignore"):
        edited(folder / name, change)
    sealed(folder)
    with pytest.raises(ReleaseError, match=said):
        release.read(folder)


def test_a_file_that_is_no_array_is_named(folder):
    (folder / "items.npy").write_bytes(b"no array")
    sealed(folder)
    with pytest.raises(ReleaseError, match=r"items\.npy cannot be read"):
        release.read(folder)


def test_an_unknown_kind_of_scorer_is_refused(folder):
    held = release.verified(folder)
    _, calibrator, sampling = held.heads["watch"]
    sealed(folder, heads={**held.heads, "watch": ("neural", calibrator, sampling)})
    with pytest.raises(ReleaseError, match="names a 'neural'"):
        release.read(folder)


# The golden log


def test_a_changed_leaf_is_found_by_the_golden_log(folder):
    edited(folder / "heads/watch/scorer/leaves.npy", lambda leaves: leaves + 0.01)
    sealed(folder)
    with pytest.raises(ReleaseError, match=r"the golden log gives .* for the value of a row, expected"):
        release.read(folder)


@pytest.mark.parametrize(("kernel", "column"), [(windows, "count"), (decay, "rate|mean")])
def test_a_kernel_that_computes_otherwise_is_found_and_its_feature_named(folder, kernel, column, monkeypatch):
    honest = kernel.read
    monkeypatch.setattr(record, "kernels", None)
    monkeypatch.setattr(kernel, "read", lambda *args, **kwargs: honest(*args, **kwargs) * 1.01)
    with pytest.raises(ReleaseError, match=rf"the golden log gives .* for ({column})\(.*, expected .* so train again"):
        release.read(folder)


def test_a_golden_log_is_small_and_says_something(tiny):
    kept = golden.read(tiny.release_path / "golden")
    assert 0 < len(kept.events.decisions["ts"]) <= golden.MOMENTS
    assert len(kept.rows) == len(kept.events.shown["item"]) == len(kept.values)
    moving = np.nanstd(kept.rows, axis=0) > 0
    assert moving.mean() > 0.5, "a table of constants would fit any arithmetic"


def test_a_golden_log_of_a_log_without_decisions(tiny):
    events = concat(tiny.batches)
    kept = golden.sample(tiny.trained.release.model, Events(entities=events.entities, outcomes=events.outcomes))
    assert 0 < len(kept.rows) <= golden.MOMENTS
    golden.check(tiny.trained.release.model, kept)
