"""What would a design review want to see in two minutes?

One HTML file that needs nothing else: the six steps in order, each number of the design beside what was measured of it.
`page.render` writes it; `systems.table` is the table of systems alone, for notebooks. Every section is a file named
after its step and takes a `Review`. Charts are tables with a strip of SVG in each row: the numbers stand beside it.

Read next: page.py, then review.py, learning.py, systems.py and charts.py.
"""
