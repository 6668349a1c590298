{{ config(materialized='table') }}
-- One row per year and place whose aggregates of paths this build writes again: where requests were or are.
with touched as (
    select
        month_on,
        district_code,
        ausl_code
    from {{ ref('int_pathway__place_before') }}
    union
    {{ places_of_requests(ref('fct_pathway')) }}
)

select distinct
    cast(extract(year from touched.month_on) as integer) as year_number,
    place.territory_level,
    place.territory_code
from touched
{{ places('touched.district_code', 'touched.ausl_code') }}
