-- One row per year, territory and indicator of continuity: the marts of paths, in the form of an indicator. A year's requests are
-- followed for the longest window; until that is over for all of them, what is said of them is not complete.
with measure as (
    select
        year_number,
        territory_level,
        territory_code,
        'requests_to_' || lower(milestone_code) || '_percent' as indicator_code,
        n_happened as numerator,
        n_requests - n_not_observed as denominator,
        n_persons_happened as n_persons,
        estimated_percent as own_value,
        estimated_percent_low as own_low,
        estimated_percent_high as own_high,
        n_observation_end + n_not_observed as n_open
    from {{ ref('conversion') }}
    where
        cut_type = 'all'
        and window_days = {{ var('pathway_windows')[-1] }}
    union all
    select
        year_number,
        territory_level,
        territory_code,
        'median_days_to_' || lower(milestone_code),
        null,
        n_happened,
        n_persons_happened,
        median_days,
        null,
        null,
        n_observation_end + n_not_observed
    from {{ ref('waiting_time') }}
    where cut_type = 'all'
    union all
    select
        year_number,
        territory_level,
        territory_code,
        'requests_without_sequel_percent',
        n_without_sequel,
        n_sequel_known,
        n_persons_without_sequel,
        null,
        without_sequel_percent_low,
        without_sequel_percent_high,
        n_sequel_open
    from {{ ref('answer') }}
    where cut_type = 'all'
)

select
    spine.period_type,
    spine.period_start_on,
    spine.territory_level,
    spine.territory_code,
    indicator.indicator_code,
    cast(measure.numerator as double precision) as numerator,
    cast(measure.denominator as double precision) as denominator,
    measure.n_persons,
    cast(measure.own_value as double precision) as own_value,
    cast(measure.own_low as double precision) as own_low,
    cast(measure.own_high as double precision) as own_high,
    spine.n_deliveries_received > 0 as is_received,
    spine.is_whole,
    spine.is_complete and measure.n_open = 0 as is_complete
from {{ ref('contact_monthly') }} as spine
inner join {{ ref('indicator') }} as indicator
    on indicator.area_code = 'continuity'
left join measure
    on
        spine.year_number = measure.year_number
        and spine.territory_level = measure.territory_level
        and spine.territory_code = measure.territory_code
        and indicator.indicator_code = measure.indicator_code
where spine.period_type = 'year'
