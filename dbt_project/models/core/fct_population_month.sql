{{ config(
    materialized='incremental',
    indexes=[{'columns': ['month_on', 'district_code', 'sex_code', 'age_band_key'], 'unique': true}]
) }}
-- One row per month of any flow of desks or services, district, sex and age band: the denominator of rates at any cut. Residents of the
-- nearest reference day. They stand on seeds, so the months that are there stay as they are.
with delivered as (
    select
        min(period.period_start_on) as first_on,
        max(
            period.period_start_on + case period.period_kind
                when 'half_year' then interval '5 months'
                when 'quarter' then interval '2 months'
                else interval '0 months'
            end
        ) as last_on
    from {{ ref('int_flow__expected_period') }} as period
    where
        period.flow_code = 'IASS'
        or rtrim(period.flow_code, '12') in (
            select family.service_family_code
            from {{ ref('service_family') }} as family
        )
),

month as (
    select
        cast(series.month_on as date) as month_on,
        cast(extract(year from series.month_on) as integer) as year_number
    from delivered
    cross join lateral generate_series(delivered.first_on, delivered.last_on, interval '1 month') as series (month_on)
    {% if is_incremental() %}
        where cast(series.month_on as date) not in (
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
