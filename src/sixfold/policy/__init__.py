"""Scores to slate: which candidates may be shown. Read `filters`; read next: `sixfold.design`."""
