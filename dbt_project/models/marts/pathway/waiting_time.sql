-- depends_on: {{ ref('int_pathway__touched_year') }}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ delete_touched(ref('int_pathway__touched_year'), ['year_number']) }}",
    indexes=[{'columns': ['year_number', 'territory_level', 'territory_code']}]
) }}
-- One row per year of request, territory, cut and milestone: how many reached it, what ended the waiting of the others, and how long it
-- takes, among those who reached it and by the estimate over all.
with counted as (
    select
        follow_up.year_number,
        place.territory_level,
        place.territory_code,
        cut.cut_type,
        cut.cut_code,
        follow_up.milestone_code,
        count(*) as n_requests,
        count(*) filter (where follow_up.status_code = 'happened') as n_happened,
        count(distinct follow_up.person_key) filter (where follow_up.status_code = 'happened') as n_persons_happened,
        count(*) filter (where follow_up.status_code = 'nothing') as n_nothing,
        count(*) filter (where follow_up.status_code = 'died') as n_died,
        count(*) filter (where follow_up.status_code = 'moved') as n_moved,
        count(*) filter (where follow_up.status_code = 'observation_end') as n_observation_end,
        count(*) filter (where follow_up.status_code = 'not_observed') as n_not_observed,
        avg(follow_up.days_between) as mean_days,
        percentile_cont(0.5) within group (order by follow_up.days_between) as median_days
    from {{ ref('int_pathway__follow_up') }} as follow_up
    {{ path_cuts('follow_up') }}
    group by 1, 2, 3, 4, 5, 6
),

estimated as (
    select
        year_number,
        territory_level,
        territory_code,
        cut_type,
        cut_code,
        milestone_code,
        min(day_number) filter (where waiting_share <= 0.75) as quarter_reached_days,
        min(day_number) filter (where waiting_share <= 0.5) as half_reached_days
    from {{ ref('waiting_curve') }}
    group by 1, 2, 3, 4, 5, 6
)

select
    counted.year_number,
    counted.territory_level,
    counted.territory_code,
    counted.cut_type,
    counted.cut_code,
    label.cut_label,
    counted.milestone_code,
    milestone.milestone_label,
    counted.n_requests,
    counted.n_happened,
    counted.n_persons_happened,
    counted.n_nothing,
    counted.n_died,
    counted.n_moved,
    counted.n_observation_end,
    counted.n_not_observed,
    round(cast(counted.mean_days as numeric), 1) as mean_days,
    round(cast(counted.median_days as numeric), 1) as median_days,
    estimated.quarter_reached_days,
    estimated.half_reached_days
from counted
inner join {{ ref('milestone') }} as milestone
    on counted.milestone_code = milestone.milestone_code
inner join {{ ref('int_pathway__cut_label') }} as label
    on
        counted.cut_type = label.cut_type
        and counted.cut_code = label.cut_code
left join estimated
    on
        counted.year_number = estimated.year_number
        and counted.territory_level = estimated.territory_level
        and counted.territory_code = estimated.territory_code
        and counted.cut_type = estimated.cut_type
        and counted.cut_code = estimated.cut_code
        and counted.milestone_code = estimated.milestone_code
