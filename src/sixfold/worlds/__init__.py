"""How good is a model really? Simulators of products that write logs and know what is true.

Read next: video.py (a world of slates), video_truth.py (what is so in it), video_visits.py (how a log comes of it); delivery.py (a
world of estimates), delivery_law.py (the law of an order's time), delivery_truth.py (what is so in it).
"""
