"""Does the loop close? A world's members ask a running service, and each day's model learns from what the service wrote.

Read `loop` (the days), then `rivals` (what others would have shown), `running` (the service and those who ask it), `making`.
"""
