{{ config(tags='from_seeds') }}
-- One row per district that ever was: its newest name. The place that a fact stood under on its day is in the fact.
select distinct on (territory_code)
    territory_code as district_code,
    territory_label as district_label
from {{ ref('dim_territory') }}
where territory_level in ('district', 'special')
order by territory_code, valid_to desc
