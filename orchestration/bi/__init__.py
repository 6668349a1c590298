"""Dashboards: Apache Superset as a user of the warehouse like any other, in an environment of its own.

`bundle` turns the definitions of `bi/superset` into what Superset imports, `service` installs, prepares, starts and
stops it. What a dashboard shows is in `bi/superset`; what its figures mean, in the marts. Imports neither Dagster nor
Superset.
"""
