{{ config(
    pre_hook="{{ analyze(['contact_monthly', 'int_indicator__contact', 'int_indicator__person', 'int_indicator__demand',
        'int_population__stratum']) }}",
    indexes=[{'columns': ['indicator_code', 'period_type', 'period_start_on', 'territory_level']}]
) }}
-- One row per indicator, quarter, half-year or year, and territory: the value, what it stands on, 95 % limits, how far to trust it.
-- Made anew at every build from aggregates that are themselves incremental: some ten thousand rows a year.
with measure as (
    select * from {{ ref('int_indicator__desk') }}
),

computed as (
    select
        measure.*,
        indicator.multiplier,
        indicator.interval_method,
        -- What counts deliveries says itself what is missing; a whole list, of comuni for one, has no small numbers.
        indicator.area_code = 'quality' and indicator.interval_method = 'none' as is_of_deliveries,
        indicator.area_code = 'access' and indicator.interval_method = 'none' as is_whole,
        case
            when indicator.interval_method = 'standardised' then indicator.multiplier * measure.own_value
            when measure.own_value is not null then measure.own_value
            else indicator.multiplier * measure.numerator / nullif(measure.denominator, 0)
        end as indicator_value,
        coverage.year_number,
        coverage.territory_label,
        coverage.n_deliveries_received,
        coverage.is_complete
    from measure
    inner join {{ ref('indicator') }} as indicator
        on measure.indicator_code = indicator.indicator_code
    inner join {{ ref('contact_monthly') }} as coverage
        on
            measure.period_type = coverage.period_type
            and measure.period_start_on = coverage.period_start_on
            and measure.territory_level = coverage.territory_level
            and measure.territory_code = coverage.territory_code
)

select
    computed.indicator_code,
    computed.period_type,
    computed.period_start_on,
    computed.year_number,
    computed.territory_level,
    computed.territory_code,
    computed.territory_label,
    round(cast(computed.indicator_value as numeric), 4) as indicator_value,
    round(cast(computed.numerator as numeric), 4) as numerator,
    round(cast(computed.denominator as numeric), 4) as denominator,
    computed.n_persons,
    round(cast(bounds.lower_limit as numeric), 4) as lower_limit,
    round(cast(bounds.upper_limit as numeric), 4) as upper_limit,
    case
        when computed.indicator_value is null and computed.n_deliveries_received = 0 then 'missing'
        when computed.indicator_value is null then 'no_cases'
        when computed.is_of_deliveries then 'reliable'
        when not computed.is_complete then 'incomplete'
        when computed.is_whole then 'reliable'
        when coalesce(computed.numerator, computed.denominator) < 20 or computed.denominator < 20 then 'few'
        else 'reliable'
    end as reliability
from computed
cross join lateral (
    select
        {{ limit_of('-') }} as lower_limit,
        {{ limit_of('+') }} as upper_limit
) as bounds
