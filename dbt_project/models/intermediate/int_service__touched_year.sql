{{ config(materialized='table') }}
-- One row per year whose aggregates of services this build writes again: from the first day that may differ of any touched episode to
-- the last that is known.
with begun as (
    select
        touched.touched_from,
        record.begun_on
    from {{ ref('int_service__touched') }} as touched
    inner join {{ ref('int_service__episode') }} as record
        on touched.episode_key = record.episode_key
    union all
    select
        touched_from,
        begun_on
    from {{ ref('int_service__touched_person') }}
    union all
    -- An earlier period than all before makes the months since then known.
    select
        observed_from,
        least(observed_from, observed_from_before)
    from {{ ref('int_service__observed') }}
    where observed_from is distinct from observed_from_before
),

first_year as (
    select min(cast(extract(year from greatest(touched_from, begun_on)) as integer)) as year_number
    from begun
),

last_year as (
    select max(cast(extract(year from observed_to) as integer)) as year_number
    from {{ ref('int_service__observed') }}
)

select generate_series(first_year.year_number, last_year.year_number) as year_number
from first_year
cross join last_year
