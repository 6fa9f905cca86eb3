"""How good is a model really? Simulators of products that write logs and know what is true.

Read next, of slates: video.py (the world), video_truth.py (what is so in it), video_visits.py (how a log comes of it); of
estimates: delivery.py (the world), delivery_law.py (how long an order takes), delivery_truth.py (what is so in it).
"""
