{{ config(materialized='table') }}
-- One row per cell of the aggregates of services that this build writes again, and month of it: where episodes were or are, and where
-- months became known because their sender delivered an earlier period than all before.
with touched as (
    select
        month_on,
        district_code,
        ausl_code
    from {{ ref('int_service__place_before') }}
    union
    {{ places_of_service_months(ref('fct_service_month')) }}
    union
    select
        month.month_on,
        month.district_code,
        month.ausl_code
    from {{ ref('int_service__observed') }} as observed
    inner join {{ ref('fct_service_month') }} as month
        on
            observed.sender_code = month.sender_code
            and month.month_on >= least(observed.observed_from, observed.observed_from_before)
    where observed.observed_from is distinct from observed.observed_from_before
)

{{ touched_cells('touched') }}
