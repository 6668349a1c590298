{{ config(
    indexes=[{'columns': ['indicator_code', 'period_type', 'period_start_on', 'territory_level', 'territory_code'], 'unique': true}]
) }}
-- One row per indicator, quarter, half-year or year, and territory: the value, what it stands on, 95 % limits, how far to trust it.
-- Made anew at every build from aggregates that are themselves incremental: some ten thousand rows a year.
{% set columns = 'period_type, period_start_on, territory_level, territory_code, indicator_code, numerator, denominator, n_persons,'
    ~ ' is_received, is_whole, is_complete' %}
with measure as (
    select
        {{ columns }},
        own_value,
        variance,
        cast(null as double precision) as own_low,
        cast(null as double precision) as own_high
    from {{ ref('int_indicator__desk') }}
    union all
    select
        {{ columns }},
        own_value,
        null,
        own_low,
        own_high
    from {{ ref('int_indicator__continuity') }}
    union all
    select
        {{ columns }},
        null,
        null,
        null,
        null
    from {{ ref('int_indicator__supply') }}
),

computed as (
    select
        measure.*,
        indicator.multiplier,
        indicator.interval_method,
        -- What counts deliveries says itself what is missing; a whole list, of comuni for one, has no small numbers.
        indicator.area_code = 'quality' and indicator.interval_method = 'none' as is_of_deliveries,
        indicator.area_code = 'access' and indicator.interval_method = 'none' as is_whole_list,
        case
            -- What is counted once a year says nothing of a part of it.
            when measure.indicator_code = 'd33za_per_1000' and not measure.is_whole then null
            when indicator.interval_method = 'standardised' then indicator.multiplier * measure.own_value
            when indicator.interval_method = 'estimated' or measure.own_value is not null then measure.own_value
            else indicator.multiplier * measure.numerator / nullif(measure.denominator, 0)
        end as indicator_value,
        territory.territory_label
    from measure
    inner join {{ ref('indicator') }} as indicator
        on measure.indicator_code = indicator.indicator_code
    left join {{ ref('dim_territory') }} as territory
        on
            measure.territory_level = territory.territory_level
            and measure.territory_code = territory.territory_code
            and measure.period_start_on between territory.valid_from and territory.valid_to
)

select
    computed.indicator_code,
    computed.period_type,
    computed.period_start_on,
    cast(extract(year from computed.period_start_on) as integer) as year_number,
    computed.territory_level,
    computed.territory_code,
    computed.territory_label,
    computed.indicator_value,
    computed.numerator,
    computed.denominator,
    computed.n_persons,
    case when computed.indicator_value is not null then cast(bounds.lower_limit as double precision) end as lower_limit,
    case when computed.indicator_value is not null then cast(bounds.upper_limit as double precision) end as upper_limit,
    computed.is_whole,
    computed.is_complete,
    coverage.n_months_expected,
    coverage.n_months_received,
    case
        when computed.indicator_value is null and not computed.is_received then 'missing'
        when computed.indicator_value is null and not (computed.indicator_code = 'd33za_per_1000' and not computed.is_whole) then 'no_cases'
        when not computed.is_whole then 'partial'
        when computed.is_of_deliveries then 'reliable'
        when not computed.is_complete then 'incomplete'
        when computed.is_whole_list then 'reliable'
        when coalesce(computed.numerator, computed.denominator) < 20 or computed.denominator < 20 then 'few'
        else 'reliable'
    end as reliability
from computed
left join {{ ref('int_coverage__cell') }} as coverage
    on
        computed.period_type = coverage.period_type
        and computed.period_start_on = coverage.period_start_on
        and computed.territory_level = coverage.territory_level
        and computed.territory_code = coverage.territory_code
        and case computed.indicator_code
            when 'persons_in_charge_per_1000' then 'services'
            when 'd33za_per_1000' then 'FAR'
            when 'amount_per_resident_eur' then 'tariffs'
            else 'IASS'
        end = coverage.subject_code
cross join lateral (
    select
        {{ limit_of('-') }} as lower_limit,
        {{ limit_of('+') }} as upper_limit
) as bounds
