{{ config(
    materialized='incremental',
    indexes=[{'columns': ['month_on', 'district_code', 'sex_code', 'age_band_key'], 'unique': true}]
) }}
-- One row per month of the flow, district, sex and age band: the denominator of rates at any cut. Residents of the nearest reference day.
-- They stand on seeds, so the months that are there stay as they are.
with month as (
    select distinct
        month_on,
        cast(extract(year from month_on) as integer) as year_number
    from {{ ref('int_iass__expected_month') }}
    {% if is_incremental() %}
        where month_on not in (
            select known.month_on
            from {{ this }} as known
        )
    {% endif %}
),

reference as (
    select distinct
        year_number,
        residents_on
    from {{ ref('int_population__residents') }}
),

-- Summed before it is spread over months.
population as (
    select
        reference_on,
        district_code,
        sex_code,
        age_band_key,
        cast(sum(n_residents) as integer) as n_residents
    from {{ ref('fct_population') }}
    group by reference_on, district_code, sex_code, age_band_key
)

select
    month.month_on,
    population.district_code,
    member.ausl_code,
    population.sex_code,
    population.age_band_key,
    population.n_residents
from month
inner join reference
    on month.year_number = reference.year_number
inner join population
    on reference.residents_on = population.reference_on
-- As in int_population__residents: today's districts under the AUSL of the year.
inner join {{ ref('int_territory__member') }} as member
    on
        member.territory_level = 'district'
        and population.district_code = member.territory_code
        and make_date(month.year_number, 1, 1) between member.valid_from and member.valid_to
