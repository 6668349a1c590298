"""The periods of the flows as Dagster partitions, from the contracts.

A monthly flow has a partition for each month since the flows began: a month without deliveries is seen as missing.
Other periods (the day of a snapshot, the start of a nomenclature) are known only when a delivery brings them: a day
on which nothing was due is not missing, so those partitions are dynamic and added by the gate.
"""

from __future__ import annotations

import dagster as dg

from orchestration.intake.contract import Contract

#: The first connections of districts (2010).
FIRST_MONTH = "2010-01"


def of(contract: Contract) -> dg.PartitionsDefinition:
    """The partitions of a flow's raw tables; the key is the period code of the file name."""
    if contract.period_kind == "month":
        return dg.MonthlyPartitionsDefinition(start_date=FIRST_MONTH, fmt="%Y-%m")
    return dg.DynamicPartitionsDefinition(name=f"{contract.flow_code.lower()}_{contract.period_kind}")
