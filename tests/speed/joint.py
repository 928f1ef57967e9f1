"""What two programs of one run measure together: the questions of the table in InfluxQL and the panels of
dashboards have one floor, the geometric mean over all of them beside influxdb 1.6.7."""

import json
import os

# The most that Tidegate may take, as a part of what influxdb takes.
MEAN_MAX = 0.5


def _path():
    return os.path.join(os.environ["TIDEGATE_WORK"], "table_influxql.json")


def keep(ratios):
    """Keeps what the questions of the table took, as parts of what influxdb took."""
    with open(_path(), "w") as file:
        json.dump(ratios, file)


def kept():
    """What this run has kept; None if its table was not measured beside influxdb."""
    try:
        with open(_path()) as file:
            return json.load(file)
    except FileNotFoundError:
        return None
