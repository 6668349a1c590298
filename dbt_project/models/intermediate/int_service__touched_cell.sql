{{ config(materialized='table') }}
-- One row per cell of the aggregates of services that this build writes again, and month of it: where months of episodes changed, and
-- where what is expected or received is not what it was.
with changed as (
    {{ places_changed('int_service__place_before', places_of_service_months(ref('fct_service_month'))) }}
),

touched as (
    select
        month_on,
        district_code,
        ausl_code
    from changed
    union
    select
        month_on,
        district_code,
        ausl_code
    from {{ ref('int_coverage__month') }}
    where
        subject_code <> 'IASS'
        and is_changed
)

{{ touched_cells('touched') }}
