{{ config(materialized='table') }}
-- One row per quarter, half-year or year, territory and indicator of supply (D33Za is one of years): numerator and denominator, and
-- whether the services that it stands on were delivered.
with coverage as (
    select
        cell.*,
        listed.indicator_code,
        cell.n_months_received > 0 as is_received
    from {{ ref('int_coverage__cell') }} as cell
    inner join (
        values
        ('persons_in_charge_per_1000', 'services'),
        ('d33za_per_1000', 'FAR'),
        ('amount_per_resident_eur', 'tariffs')
    ) as listed (indicator_code, subject_code)
        on cell.subject_code = listed.subject_code
    where
        cell.is_begun
        and (cell.period_type = 'year' or (cell.period_type <> 'month' and listed.indicator_code <> 'd33za_per_1000'))
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
    case coverage.indicator_code
        when 'd33za_per_1000' then coverage.n_residents_75_covered
        else coverage.n_residents_covered
    end as denominator,
    measure.n_persons,
    coverage.is_received,
    coverage.is_whole,
    coverage.is_complete
from coverage
left join measure
    using (period_type, period_start_on, territory_level, territory_code, indicator_code)
