{{ config(tags='from_seeds') }}
-- One row per AUSL that ever was: its newest name.
select distinct on (territory_code)
    territory_code as ausl_code,
    territory_label as ausl_label
from {{ ref('dim_territory') }}
where territory_level in ('ausl', 'special')
order by territory_code, valid_to desc
