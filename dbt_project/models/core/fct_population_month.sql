{{ config(
    materialized='incremental',
    indexes=[{'columns': ['month_on', 'district_code', 'sex_code', 'age_band_key'], 'unique': true}]
) }}
-- One row per calendar month of every year in which anybody delivered anything, district, sex and age band: the denominator of rates at any
-- cut. They stand on seeds, so the months that are there stay as they are; whose month came is in dq_coverage_month.
with month as (
    select distinct
        month_on,
        cast(extract(year from month_on) as integer) as year_number
    from {{ ref('int_coverage__month') }}
    {% if is_incremental() %}
        where month_on not in (
            select known.month_on
            from {{ this }} as known
        )
    {% endif %}
)

select
    month.month_on,
    population.district_code,
    member.ausl_code,
    population.district_code || ' ' || to_char(month.month_on, 'YYYY-MM') as district_month_code,
    population.sex_code,
    population.age_band_key,
    population.residents_on,
    population.structure_on,
    population.n_residents
from month
inner join {{ ref('int_population__district') }} as population
    on month.year_number = population.year_number
inner join {{ ref('int_territory__member') }} as member
    on
        member.territory_level = 'district'
        and population.district_code = member.territory_code
        and month.month_on between member.valid_from and member.valid_to
