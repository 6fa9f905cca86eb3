"""How good is each candidate? Arrays in, calibrated probabilities or values out.

A spec (`Forest`, `Linear`) is fitted on `Examples` and becomes a fitted value made of arrays, which
NumPy alone scores. Training libraries are imported inside `fit` only, so a service that reads a
release never meets them. Nothing here knows events, members or items: it sees columns of float32.

Read next: examples.py (what a ranker learns from), trees.py (how a forest scores), forest.py (how it
is trained), linear.py with newton.py (the baseline that is always there), blend.py (both as one), sampling.py (fewer
negatives, and undoing it), calibration.py with isotonic.py (predicted equals observed),
heads.py (all of it in a row).
"""
