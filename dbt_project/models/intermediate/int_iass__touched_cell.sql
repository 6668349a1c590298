{{ config(materialized='table') }}
-- One row per cell of the aggregates of contacts that this build writes again, and month of it: where contacts were or are, and where what
-- is expected or received is not what it was.
with touched as (
    select
        month_on,
        district_code,
        ausl_code
    from {{ ref('int_iass__place_before') }}
    where month_on is not null
    union
    select
        month_on,
        district_code,
        ausl_code
    from (
        {{ places_of_contacts(ref('fct_contact')) }}
    ) as after
    union
    select
        month_on,
        district_code,
        ausl_code
    from {{ ref('int_coverage__month') }}
    where
        subject_code = 'IASS'
        and is_changed
    -- Where else they were in the year who are something else at the end of its periods.
    union
    select
        cast(date_trunc('month', demand.contact_on) as date) as month_on,
        demand.district_code,
        demand.ausl_code
    from {{ ref('int_person__touched_year') }} as described
    inner join {{ ref('fct_demand') }} as demand
        on
            described.person_key = demand.person_key
            and extract(year from demand.contact_on) = described.year_number
)

{{ touched_cells('touched') }}
