"""A release: one immutable folder of arrays and JSON, named by the hash of its content.

    <id>/manifest.json      SHA-256 and size of every file, the id, the data window
         design.json        the design as data
         features.json      the features with their vocabularies
         metrics.json       what was measured of it
         items.npy          the ids of the items, by row
         sources/<name>/*.npy     heads/<name>/{scorer,calibrator}/*.npy          of slates
         legs/<name>/*.npy        joint/*.npy     coverage/*.npy                   of estimates
         golden/            a small log with the rows it must give (see `golden`)

No pickle, no native model file, no code: a damaged file is refused by its checksum or by a bounds check. A folder
becomes a release by one rename; `CURRENT` is a file that holds the id of the published one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from . import formula, golden
from .design import Design
from .errors import DesignError, ReleaseError
from .estimate import Estimator
from .estimation.baselines import FittedByKey, FittedLinearQuantiles
from .estimation.conformal import FittedConformal
from .estimation.legs import FittedLegs
from .estimation.quantiles import FittedQuantiles
from .features.table import Fitted
from .files import sync
from .golden import Learned
from .loading import from_json
from .pipeline import Model
from .ranking.blend import FittedBlend
from .ranking.calibration import FittedIdentity, FittedIsotonic, FittedPlatt
from .ranking.heads import FittedHead, FittedHeads
from .ranking.linear import FittedLinear
from .ranking.sampling import KeepAll, Sampling
from .ranking.trees import FittedForest
from .retrieval.kinds import fitted_type
from .types import Arrays, Cuts

FORMAT = 3
MAPPED_BYTES = 1 << 16
_SCORERS: dict[str, Any] = {"forest": FittedForest, "linear": FittedLinear, "blend": FittedBlend}
_ESTIMATORS: dict[str, Any] = {
    "quantiles": FittedQuantiles, "by_key": FittedByKey, "linear_quantiles": FittedLinearQuantiles,
}  # fmt: skip
_NONE: NDArray[np.bytes_] = np.empty(0, "S1")
_CALIBRATORS: dict[str, Any] = {"isotonic": FittedIsotonic, "platt": FittedPlatt, "identity": FittedIdentity}


class File(msgspec.Struct, frozen=True):
    """One file of a release."""

    sha256: str
    bytes: int


class Manifest(msgspec.Struct, frozen=True):
    """What a release says of itself. `digest` names the log, `cuts` the spans it was trained, calibrated and judged on."""

    format: int
    id: str
    design: str
    digest: str
    cuts: Cuts
    heads: dict[str, tuple[str, str, Sampling]]
    """By head: the kind of its scorer, of its calibrator, and how its negatives were sampled."""
    legs: dict[str, str]
    """By leg of an estimate, in their order: the kind of its estimator."""
    files: dict[str, File]


@dataclass(frozen=True, slots=True)
class Release:
    """A published model with everything that came with it; items and titles are empty where no slates are decided."""

    manifest: Manifest
    learned: Learned
    items: NDArray[np.bytes_]
    titles: NDArray[np.bytes_]
    metrics: dict[str, Any]
    path: Path | None = None

    @property
    def id(self) -> str:
        return self.manifest.id

    @property
    def design(self) -> Design:
        return self.learned.design

    @property
    def features(self) -> Fitted:
        return self.learned.features

    @property
    def model(self) -> Model:
        """What makes slates; raises DesignError where the release is of estimates."""
        if isinstance(self.learned, Estimator):
            raise DesignError(f"release {self.id} estimates and has no slates; ask it for an estimate")
        return self.learned

    @property
    def estimator(self) -> Estimator:
        """What makes estimates; raises DesignError where the release is of slates."""
        if not isinstance(self.learned, Estimator):
            raise DesignError(f"release {self.id} makes slates and no estimates; ask it for a slate")
        return self.learned


def write(
    folder: Path,
    model: Learned,
    *,
    items: NDArray[np.bytes_] = _NONE,
    titles: NDArray[np.bytes_] = _NONE,
    sample: golden.Golden,
    digest: str,
    cuts: Cuts,
    metrics: Mapping[str, Any],
) -> Release:
    """Write a release below `folder` and give it; the same content gives the same id and is written once."""
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".draft-{os.getpid()}"
    shutil.rmtree(draft, ignore_errors=True)
    try:
        _write_parts(draft, model, items, titles, sample, metrics)
        files = {name: _measured(draft / name) for name in _files(draft)}
        named = Manifest(FORMAT, "", model.design.name, digest, cuts, *_kinds(model), files)
        manifest = msgspec.structs.replace(named, id=identity(named))
        _put(draft / "manifest.json", msgspec.json.format(msgspec.json.encode(manifest, order="sorted"), indent=2))
        final = folder / manifest.id
        if final.exists():
            shutil.rmtree(draft)
        else:
            for inner in (path for path in draft.rglob("*") if path.is_dir()):
                sync(inner)
            sync(draft)
            draft.rename(final)
            sync(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return read(final)


def read(path: Path) -> Release:
    """The release in a folder. Raises ReleaseError naming the file that is damaged, missing or does not fit."""
    manifest = verified(path)
    design = from_json((path / "design.json").read_bytes())
    features = _json(path / "features.json", Fitted)
    model = (_read_estimator if design.estimates else _read_model)(path, manifest, design, features)
    golden.check(model, golden.read(path / "golden"))
    metrics = _json(path / "metrics.json", dict)
    items, titles = _array(path / "items.npy"), _array(path / "titles.npy")
    return Release(manifest, model, items, titles, metrics, path)


def identity(manifest: Manifest) -> str:
    """The id that a manifest's content gives: all of it but the metrics, which hold how long training took."""
    files = {name: file for name, file in manifest.files.items() if name != "metrics.json"}
    content = msgspec.json.encode(msgspec.structs.replace(manifest, id="", files=files), order="sorted")
    return hashlib.sha256(content).hexdigest()[:12]


def verified(path: Path) -> Manifest:
    """The manifest of a release, after it was held against its own id and every file against it."""
    if not (path / "manifest.json").exists():
        raise ReleaseError(f"there is no release at {path}; 'sixfold releases' lists those there are")
    manifest: Manifest = _json(path / "manifest.json", Manifest)
    if manifest.format != FORMAT:
        raise ReleaseError(f"{path} has format {manifest.format}, this Sixfold reads {FORMAT}; train again")
    if identity(manifest) != manifest.id:
        raise ReleaseError(f"{path}: manifest.json is damaged (its id differs); roll back or train again")
    for name, file in manifest.files.items():
        if ".." in Path(name).parts or Path(name).is_absolute():
            raise ReleaseError(f"{path}: the manifest names {name!r}, outside the release; do not use it")
        if not (path / name).is_file():
            raise ReleaseError(f"{path}: {name} is missing; roll back with 'sixfold releases rollback' or train again")
        if _measured(path / name) != file:
            raise ReleaseError(f"{path}: {name} is damaged (its SHA-256 differs); roll back or train again")
    return manifest


def _kinds(model: Learned) -> tuple[dict[str, tuple[str, str, Sampling]], dict[str, str]]:
    """Heads and legs as a manifest names them."""
    if isinstance(model, Estimator):
        return {}, {name: _kind(leg, _ESTIMATORS) for name, leg in model.legs.items()}
    return {
        name: (_kind(head.scorer, _SCORERS), _kind(head.calibrator, _CALIBRATORS), head.sampling)
        for name, head in model.heads.heads.items()
    }, {}


def _read_model(path: Path, manifest: Manifest, design: Design, features: Fitted) -> Learned:
    sources = {
        name: fitted_type(spec).from_arrays(_arrays(path / "sources" / name)) for name, spec in design.sources.items()
    }
    # In the design's order, which JSON does not keep: the first head is the label's.
    heads = {name: _head(path / "heads" / name, *manifest.heads[name]) for name in design.heads}
    return Model(design, features, sources, FittedHeads(heads, formula.parse(design.value, list(heads))))


def _read_estimator(path: Path, manifest: Manifest, design: Design, features: Fitted) -> Learned:
    legs = {}
    for name in design.estimate.legs or (design.requirements.label.name,):
        kind = manifest.legs.get(name, "")
        if kind not in _ESTIMATORS:
            raise ReleaseError(f"{path}: the manifest names {kind!r} for {name}, which this Sixfold has not")
        legs[name] = _ESTIMATORS[kind].from_arrays(_arrays(path / "legs" / name))
    joint = FittedLegs.from_arrays(_arrays(path / "joint"))
    coverage = FittedConformal.from_arrays(_arrays(path / "coverage"))
    if joint.factor.shape[0] != len(legs) or any(len(leg.levels) != len(coverage.levels) for leg in legs.values()):
        raise ReleaseError(f"{path}: legs, joint and coverage do not fit together; roll back or train again")
    return Estimator(design, features, legs, joint, coverage)


def _write_parts(
    draft: Path,
    model: Learned,
    items: NDArray[np.bytes_],
    titles: NDArray[np.bytes_],
    sample: golden.Golden,
    metrics: Mapping[str, Any],
) -> None:
    _put(draft / "design.json", model.design.to_json())
    _put(draft / "features.json", msgspec.json.encode(model.features, order="deterministic"))
    _put(draft / "metrics.json", msgspec.json.encode(metrics))
    _save(draft / "items.npy", items)
    _save(draft / "titles.npy", titles)
    if isinstance(model, Estimator):
        for name, leg in model.legs.items():
            _save_all(draft / "legs" / name, leg)
        _save_all(draft / "joint", model.joint)
        _save_all(draft / "coverage", model.coverage)
    else:
        for name, source in model.sources.items():
            _save_all(draft / "sources" / name, source)
        for name, head in model.heads.heads.items():
            _save_all(draft / "heads" / name / "scorer", head.scorer)
            _save_all(draft / "heads" / name / "calibrator", head.calibrator)
    golden.write(draft / "golden", sample)


def _head(path: Path, scorer: str, calibrator: str, sampling: Sampling = KeepAll()) -> FittedHead:
    if scorer not in _SCORERS or calibrator not in _CALIBRATORS:
        raise ReleaseError(f"{path}: the manifest names a {scorer!r} with {calibrator!r}, which this Sixfold has not")
    return FittedHead(
        _SCORERS[scorer].from_arrays(_arrays(path / "scorer")),
        sampling,
        _CALIBRATORS[calibrator].from_arrays(_arrays(path / "calibrator")),
    )


def _kind(value: object, kinds: Mapping[str, type]) -> str:
    return next(name for name, kind in kinds.items() if isinstance(value, kind))


def _files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def _measured(path: Path) -> File:
    data = path.read_bytes()
    return File(hashlib.sha256(data).hexdigest(), len(data))


def _save_all(folder: Path, fitted: Any) -> None:
    """The arrays of any fitted value, a file each."""
    for name, array in fitted.to_arrays().items():
        _save(folder / f"{name}.npy", array)
    folder.mkdir(parents=True, exist_ok=True)


def _save(path: Path, array: NDArray[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        np.save(file, np.ascontiguousarray(array).reshape(array.shape), allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _arrays(folder: Path) -> Arrays:
    return {path.stem: _array(path) for path in sorted(folder.glob("*.npy"))}


def _array(path: Path) -> NDArray[Any]:
    try:
        # Mapped, so that the workers of a service share what is large; small ones are quicker in plain memory.
        large = path.stat().st_size > MAPPED_BYTES
        found: NDArray[Any] = np.load(path, allow_pickle=False, mmap_mode="r" if large else None).view(np.ndarray)
    except (ValueError, EOFError, OSError) as error:
        raise ReleaseError(f"{path} cannot be read ({error}); roll back or train again") from error
    return found


def _json(path: Path, kind: Any) -> Any:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (msgspec.DecodeError, OSError) as error:
        raise ReleaseError(f"{path} cannot be read ({error}); roll back or train again") from error
