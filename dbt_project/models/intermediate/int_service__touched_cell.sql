{{ config(materialized='table') }}
-- One row per cell of the aggregates of services that this build writes again, and month of it: where months of episodes changed, and
-- where other ones are known because the first day of what their sender delivered moved: earlier with a period before all others, later
-- with the first of a flow's second file; and where what is expected or received is not what it was.
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
        month.month_on,
        month.district_code,
        month.ausl_code
    from {{ ref('int_service__observed') }} as observed
    inner join {{ ref('fct_service_month') }} as month
        on observed.sender_code = month.sender_code
    where observed.observed_from is distinct from observed.observed_from_before
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
