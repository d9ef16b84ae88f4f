"""Nothing that is written on the report's charts is cut off."""

import io

import numpy as np
import pytest
from matplotlib.image import imread

from headrace.models.card import Coverage
from headrace.training import charts
from headrace.training.evaluate import Bin
from headrace.training.measure import CurvePoint
from headrace.training.search import Trial

LONG = [CurvePoint(1_250_000 * 2**power, 0.98643 + 0.0007 * power, 9.5) for power in range(4)]
CHARTS = {
    "learning curve": lambda: charts.learning_curve(LONG),
    "reliability": lambda: charts.reliability([Bin(0.1, 0.12, 5), Bin(0.98, 0.97, 900_000)]),
    "thresholds": lambda: charts.thresholds([Coverage(0.0, 1.0, 0.9), Coverage(0.99, 0.67, 0.99999)]),
    "variance": lambda: charts.variance(np.linspace(0.1, 0.9, 300)),
    "search": lambda: charts.search([Trial({}, 0.98643 - 0.00001 * rank, 0.00001, 1.0) for rank in range(40)]),
}


@pytest.mark.parametrize("name", CHARTS)
def test_nothing_of_a_chart_is_cut_off(name: str) -> None:
    image = imread(io.BytesIO(CHARTS[name]()))[:, :, :3]
    for edge in (image[0], image[-1], image[:, 0], image[:, -1]):
        assert (edge == 1.0).all()
    assert (image < 1.0).any()
