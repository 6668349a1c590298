-- One row per quarter, half-year or year, territory and family of services: months of districts that deliveries should tell of, and how
-- many they do, of a flow in two files both. What an AUSL sends stands for its districts.
with period as (
    select
        family.service_family_code,
        family.sender_kind,
        coverage.sender_code,
        coverage.period_start_on,
        case coverage.period_kind when 'half_year' then 5 when 'quarter' then 2 else 0 end as n_further_months,
        bool_and(coverage.coverage_status = 'received') as is_received
    from {{ ref('dq_coverage') }} as coverage
    inner join {{ ref('service_family') }} as family
        on rtrim(coverage.flow_code, '12') = family.service_family_code
    group by 1, 2, 3, 4, 5
),

month as (
    select
        period.service_family_code,
        district.territory_code as district_code,
        district.ausl_code,
        cast(series.month_on as date) as month_on,
        period.is_received
    from period
    cross join
        lateral generate_series(
            period.period_start_on, period.period_start_on + period.n_further_months * interval '1 month', interval '1 month'
        ) as series (month_on)
    inner join {{ ref('int_territory__member') }} as district
        on
            district.territory_level = 'district'
            and period.sender_code = case when period.sender_kind = 'ausl' then district.ausl_code else district.territory_code end
            and cast(series.month_on as date) between district.valid_from and district.valid_to
)

select
    period.period_type,
    period.period_start_on,
    place.territory_level,
    place.territory_code,
    month.service_family_code,
    count(*) as n_months_expected,
    count(*) filter (where month.is_received) as n_months_received
from month
{{ period_cuts('month.month_on') }}
{{ places('month.district_code', 'month.ausl_code') }}
where period.period_type <> 'month'
group by 1, 2, 3, 4, 5
