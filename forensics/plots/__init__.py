"""Figures: which migration ran where, and what happened when. Each is drawn the same, pixel for pixel, every time.

::

    import forensics as fx

    fx.plot.matrix(case)                  # environments x migrations
    fx.plot.matrix(case["dev"].diagnosis) # one environment: what its tracker says, what its schema shows
    fx.plot.timeline(case["dev"].timeline())

Nothing is drawn through pyplot, so no global state is touched.
"""

from __future__ import annotations

from forensics.plots.canvas import Plot
from forensics.plots.chronicle import timeline
from forensics.plots.matrix import matrix

__all__ = ["Plot", "matrix", "timeline"]
