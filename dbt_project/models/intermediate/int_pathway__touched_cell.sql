{{ config(materialized='table') }}
-- One row per year and place whose aggregates of paths this build writes again: where requests changed.
with touched as (
    {{ places_changed('int_pathway__place_before', places_of_requests(ref('fct_pathway'))) }}
)

select distinct
    cast(extract(year from touched.month_on) as integer) as year_number,
    place.territory_level,
    place.territory_code
from touched
{{ places('touched.district_code', 'touched.ausl_code') }}
