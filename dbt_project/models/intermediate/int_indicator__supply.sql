{{ config(materialized='table') }}
-- One row per quarter, half-year or year, territory and indicator of supply (D33Za is one of years): numerator and denominator, and
-- whether the services that it stands on were delivered.
with stands_on as (
    select
        listed.indicator_code,
        family.service_family_code
    from (
        values
        ('persons_in_charge_per_1000', array['FAR', 'ADI', 'SMAC', 'SISAM']),
        ('d33za_per_1000', array['FAR']),
        ('amount_per_resident_eur', array['FAR', 'SMAC'])
    ) as listed (indicator_code, service_family_codes)
    cross join lateral unnest(listed.service_family_codes) as family (service_family_code)
),

coverage as (
    select
        coverage.period_type,
        coverage.period_start_on,
        coverage.territory_level,
        coverage.territory_code,
        stands_on.indicator_code,
        sum(coverage.n_months_received) > 0 as is_received,
        sum(coverage.n_months_received) = sum(coverage.n_months_expected) as is_complete
    from {{ ref('int_indicator__coverage') }} as coverage
    inner join stands_on
        on coverage.service_family_code = stands_on.service_family_code
    where
        stands_on.indicator_code <> 'd33za_per_1000'
        or coverage.period_type = 'year'
    group by 1, 2, 3, 4, 5
),

measure as (
    select
        period_type,
        period_start_on,
        territory_level,
        territory_code,
        'persons_in_charge_per_1000' as indicator_code,
        n_persons as numerator,
        n_persons
    from {{ ref('int_indicator__in_charge') }}
    union all
    select
        'year',
        make_date(year_number, 1, 1),
        territory_level,
        territory_code,
        'd33za_per_1000',
        n_persons,
        n_persons
    from {{ ref('d33za') }}
    where intensity_code = 'TOT'
    union all
    select
        period_type,
        period_start_on,
        territory_level,
        territory_code,
        'amount_per_resident_eur',
        sum(amount_eur),
        null
    from {{ ref('offer_monthly') }}
    where
        period_type <> 'month'
        and service_level = 'family'
    group by 1, 2, 3, 4
)

select
    coverage.period_type,
    coverage.period_start_on,
    coverage.territory_level,
    coverage.territory_code,
    coverage.indicator_code,
    case when coverage.is_received then cast(coalesce(measure.numerator, 0) as double precision) end as numerator,
    cast(
        case coverage.indicator_code when 'd33za_per_1000' then residents.n_residents_75 else residents.n_residents end
        as double precision
    ) as denominator,
    measure.n_persons,
    coverage.is_received,
    coverage.is_complete
from coverage
left join measure
    using (period_type, period_start_on, territory_level, territory_code, indicator_code)
left join {{ ref('int_population__residents') }} as residents
    on
        extract(year from coverage.period_start_on) = residents.year_number
        and coverage.territory_level = residents.territory_level
        and coverage.territory_code = residents.territory_code
