{{ config(
    materialized='table',
    tags='from_seeds',
    indexes=[{'columns': ['year_number', 'territory_level', 'territory_code'], 'unique': true}]
) }}
-- One row per year and territory: residents on the reference day nearest to the year.
with district as (
    select
        population.year_number,
        population.residents_on,
        population.structure_on,
        population.district_code,
        round(sum(population.n_residents)) as n_residents,
        sum(population.n_residents) filter (where age_band.age_from >= 75) as n_residents_75
    from {{ ref('int_population__district') }} as population
    inner join {{ ref('dim_age_band') }} as age_band
        on population.age_band_key = age_band.age_band_key
    group by 1, 2, 3, 4
)

select
    district.year_number,
    place.territory_level,
    place.territory_code,
    district.residents_on,
    district.structure_on,
    cast(sum(district.n_residents) as integer) as n_residents,
    sum(district.n_residents_75) as n_residents_75
from district
-- The population stands under today's districts, the AUSL under the year's: Romagna is one of them from 2014.
inner join {{ ref('int_territory__member') }} as member
    on
        member.territory_level = 'district'
        and district.district_code = member.territory_code
        and make_date(district.year_number, 1, 1) between member.valid_from and member.valid_to
{{ places('member.district_code', 'member.ausl_code') }}
group by 1, 2, 3, 4, 5
