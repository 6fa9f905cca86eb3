"""How good it is, measured: on what was logged, on whole slates, against the design, online against batch.

Read `evaluate`, then `check` (each number of the design against its measurement), then `skew`.
"""
