"""Names of the states of metrics."""


def state_name(metric: object, name: str, *options: object) -> str:
    """Return a name that metrics of other classes or options do not have.

    ``torchmetrics.MetricCollection`` lets metrics share their state from the second update on if
    the states have the same names and, after the first update, the same values. Metrics with other
    options may have the same values by chance.
    """
    return "_".join([name, type(metric).__name__, *map(str, options)])
