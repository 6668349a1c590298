{{ config(
    materialized='table',
    tags='from_seeds',
    indexes=[{'columns': ['year_number', 'district_code', 'sex_code', 'age_band_key'], 'unique': true}]
) }}
-- One row per year, district, sex and age band: residents on the reference day nearest to the year. Ages and sexes are known on fewer days
-- than totals are: those of the day nearest to the year, in proportion to the district's residents on its own.
with by_age as (
    select
        reference_on,
        district_code,
        sex_code,
        age_band_key,
        sum(n_residents) as n_residents
    from {{ ref('fct_population') }}
    group by 1, 2, 3, 4
),

in_all as (
    select
        residents_on,
        district_code,
        n_residents
    from {{ ref('district_population') }}
    union all
    select
        reference_on,
        district_code,
        sum(n_residents)
    from by_age
    group by 1, 2
),

known as (
    select
        array_agg(distinct in_all.residents_on) as residents_days,
        (
            select array_agg(distinct by_age.reference_on)
            from by_age
        ) as structure_days
    from in_all
),

year as (
    select
        series.year_number,
        (
            select day.known_on
            from unnest(known.residents_days) as day (known_on)
            order by abs(extract(year from day.known_on) - series.year_number), day.known_on
            limit 1
        ) as residents_on,
        (
            select day.known_on
            from unnest(known.structure_days) as day (known_on)
            order by abs(extract(year from day.known_on) - series.year_number), day.known_on
            limit 1
        ) as structure_on
    from known
    cross join generate_series(1990, 2035) as series (year_number)
)

select
    year.year_number,
    year.residents_on,
    year.structure_on,
    by_age.district_code,
    by_age.sex_code,
    by_age.age_band_key,
    round(by_age.n_residents * in_all.n_residents / sum(by_age.n_residents) over district, 6) as n_residents
from year
inner join by_age
    on year.structure_on = by_age.reference_on
inner join in_all
    on
        year.residents_on = in_all.residents_on
        and by_age.district_code = in_all.district_code
window district as (partition by year.year_number, by_age.district_code)
