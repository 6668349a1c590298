{{ config(materialized='table', tags='from_seeds', indexes=[{'columns': ['territory_code', 'valid_from'], 'unique': true}]) }}
-- One row per district or AUSL and period: the AUSL that answers for it then. For an AUSL that is no more, the one that took its districts.
with district as (
    select
        territory_code,
        ausl_code,
        valid_from,
        valid_to
    from {{ ref('int_territory__member') }}
    where territory_level = 'district'
)

select
    territory_code,
    ausl_code,
    valid_from,
    valid_to
from district
union all
select
    ausl_code,
    ausl_code,
    min(valid_from),
    max(valid_to)
from district
group by ausl_code
union all
select
    former.ausl_code,
    min(district.ausl_code),
    district.valid_from,
    district.valid_to
from district as former
inner join district
    on
        former.territory_code = district.territory_code
        and former.valid_to < district.valid_from
group by former.ausl_code, district.valid_from, district.valid_to
having count(distinct district.ausl_code) = 1
