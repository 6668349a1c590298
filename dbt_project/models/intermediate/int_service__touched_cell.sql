{{ config(materialized='table') }}
-- One row per cell of the aggregates of services that this build writes again, and month of it: where months of episodes changed.
with changed as (
    {{ places_changed('int_service__place_before', places_of_service_months(ref('fct_service_month'))) }}
)

{{ touched_cells('changed') }}
