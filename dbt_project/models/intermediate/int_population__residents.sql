{{ config(
    materialized='table',
    tags='from_seeds',
    indexes=[{'columns': ['year_number', 'territory_level', 'territory_code'], 'unique': true}]
) }}
-- One row per year and territory: residents on the reference day nearest to the year.
with reference as (
    select distinct reference_on
    from {{ ref('fct_population') }}
),

year as (
    select
        year_number,
        (
            select reference.reference_on
            from reference
            order by abs(extract(year from reference.reference_on) - series.year_number), reference.reference_on
            limit 1
        ) as residents_on
    from generate_series(1990, 2035) as series (year_number)
),

district as (
    select
        population.reference_on,
        population.district_code,
        sum(population.n_residents) as n_residents,
        sum(population.n_residents) filter (where age_band.age_from >= 75) as n_residents_75
    from {{ ref('fct_population') }} as population
    inner join {{ ref('dim_age_band') }} as age_band
        on population.age_band_key = age_band.age_band_key
    group by population.reference_on, population.district_code
)

select
    year.year_number,
    place.territory_level,
    place.territory_code,
    year.residents_on,
    cast(sum(district.n_residents) as integer) as n_residents,
    cast(sum(district.n_residents_75) as integer) as n_residents_75
from year
inner join district
    on year.residents_on = district.reference_on
-- The population stands under today's districts, the AUSL under the year's: Romagna is one of them from 2014.
inner join {{ ref('int_territory__member') }} as member
    on
        member.territory_level = 'district'
        and district.district_code = member.territory_code
        and make_date(year.year_number, 1, 1) between member.valid_from and member.valid_to
{{ places('member.district_code', 'member.ausl_code') }}
group by 1, 2, 3, 4
