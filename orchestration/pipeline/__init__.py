"""All that is pending as one Dagster run in this process, and what a person reads of it: `iass run`, `iass demo run`.

The assets are those that the Dagster UI shows, and a run is recorded in the home's own instance, so it is seen there
too. Belongs here: starting a run (`run`), the synthetic region before it (`demo`), its progress (`watch`), its figures
(`summary`) and how they are drawn (the tables). Does not: what a step does, which is in `orchestration.defs` and below.
"""
