-- depends_on: {{ ref('int_pathway__touched_cell') }}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    meta={'touched': {
        'by': 'int_pathway__touched_cell',
        'columns': ['year_number', 'territory_level', 'territory_code']
    }},
    indexes=[
        {'columns': ['year_number', 'territory_level', 'territory_code', 'cut_type', 'cut_code',
            'milestone_code', 'day_number'], 'unique': true}
    ]
) }}
-- One row per year of request, territory, cut, milestone and day on which somebody reached it: the Kaplan-Meier estimate of the share
-- still waiting, with its Greenwood error and log-log bands of 95 %. Death, departure and the end of observation are censoring.
with day as (
    select
        follow_up.year_number,
        follow_up.district_code,
        follow_up.ausl_code,
        follow_up.regional_code,
        follow_up.level1_code,
        follow_up.report_target_code,
        follow_up.milestone_code,
        follow_up.followed_days,
        count(*) as n_requests,
        count(*) filter (where follow_up.status_code = 'happened') as n_happened
    from {{ ref('int_pathway__follow_up') }} as follow_up
    where follow_up.followed_days is not null
    group by 1, 2, 3, 4, 5, 6, 7, 8
),

cut_day as (
    select
        day.year_number,
        place.territory_level,
        place.territory_code,
        cut.cut_type,
        cut.cut_code,
        day.milestone_code,
        day.followed_days as day_number,
        sum(day.n_requests) as n_leaving,
        sum(day.n_happened) as n_happened
    from day
    {{ path_cuts('day') }}
    group by 1, 2, 3, 4, 5, 6, 7
),

at_risk as (
    select
        cut_day.*,
        sum(cut_day.n_leaving) over (
            partition by
                cut_day.year_number, cut_day.territory_level, cut_day.territory_code, cut_day.cut_type, cut_day.cut_code,
                cut_day.milestone_code
            order by cut_day.day_number desc
        ) as n_at_risk
    from cut_day
),

estimate as (
    {{ kaplan_meier('at_risk', [
        'year_number', 'territory_level', 'territory_code', 'cut_type', 'cut_code', 'milestone_code'
    ]) }}
)

select
    estimate.year_number,
    estimate.territory_level,
    estimate.territory_code,
    estimate.cut_type,
    estimate.cut_code,
    label.cut_label,
    estimate.milestone_code,
    estimate.day_number,
    cast(estimate.n_at_risk as integer) as n_at_risk,
    cast(estimate.n_happened as integer) as n_happened,
    estimate.waiting_share,
    estimate.waiting_share_error,
    estimate.waiting_share_low,
    estimate.waiting_share_high
from estimate
inner join {{ ref('int_pathway__cut_label') }} as label
    on
        estimate.cut_type = label.cut_type
        and estimate.cut_code = label.cut_code
