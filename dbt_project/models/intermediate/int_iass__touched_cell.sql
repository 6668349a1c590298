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
)

{{ touched_cells('touched') }}
