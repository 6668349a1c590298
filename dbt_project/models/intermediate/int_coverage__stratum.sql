{{ config(
    materialized='table',
    indexes=[{'columns': ['period_type', 'period_start_on', 'territory_level', 'territory_code', 'sex_code', 'age_band_key'], 'unique': true}]
) }}
-- One row per quarter, half-year or year, territory, sex and age band: residents of the districts and months of the desks that came.
with covered as (
    select
        period.period_type,
        period.period_start_on,
        place.territory_level,
        place.territory_code,
        month.district_code,
        cast(extract(year from month.month_on) as integer) as year_number,
        count(*) filter (where month.is_received) / cast(count(*) as numeric) as received_share
    from {{ ref('int_coverage__month') }} as month
    {{ period_cuts('month.month_on', ['quarter', 'half_year', 'year']) }}
    {{ places('month.district_code', 'month.ausl_code') }}
    where month.subject_code = 'IASS'
    group by 1, 2, 3, 4, 5, 6
)

select
    covered.period_type,
    covered.period_start_on,
    covered.territory_level,
    covered.territory_code,
    population.sex_code,
    population.age_band_key,
    sum(covered.received_share * population.n_residents) as n_residents
from covered
inner join {{ ref('int_population__district') }} as population
    on
        covered.year_number = population.year_number
        and covered.district_code = population.district_code
where covered.received_share > 0
group by 1, 2, 3, 4, 5, 6
