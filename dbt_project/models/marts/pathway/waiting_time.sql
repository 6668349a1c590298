-- depends_on: {{ ref('int_pathway__touched_cell') }}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    meta={'touched': {
        'by': 'int_pathway__touched_cell',
        'columns': ['year_number', 'territory_level', 'territory_code']
    }},
    indexes=[{'columns': ['year_number', 'territory_level', 'territory_code', 'cut_type', 'cut_code', 'milestone_code'], 'unique': true}]
) }}
-- One row per year of request, territory, cut and milestone: how many reached it, what ended the waiting of the others, and how long it
-- takes, among those who reached it and by the estimate over all.
with cell as (
    select
        year_number,
        district_code,
        ausl_code,
        regional_code,
        level1_code,
        report_target_code,
        milestone_code,
        status_code,
        count(*) as n_requests
    from {{ ref('int_pathway__follow_up') }}
    group by 1, 2, 3, 4, 5, 6, 7, 8
),

counted as (
    select
        cell.year_number,
        place.territory_level,
        place.territory_code,
        cut.cut_type,
        cut.cut_code,
        cell.milestone_code,
        sum(cell.n_requests) as n_requests,
    {% for status in ['happened', 'nothing', 'died', 'moved', 'observation_end', 'not_observed'] %}
        coalesce(sum(cell.n_requests) filter (where cell.status_code = '{{ status }}'), 0) as n_{{ status }}{{ ',' if not loop.last }}
    {% endfor %}
    from cell
    {{ path_cuts('cell') }}
    group by 1, 2, 3, 4, 5, 6
),

reached as (
    select
        follow_up.year_number,
        place.territory_level,
        place.territory_code,
        cut.cut_type,
        cut.cut_code,
        follow_up.milestone_code,
        count(distinct follow_up.person_key) as n_persons_happened,
        avg(follow_up.days_between) as mean_days,
        percentile_cont(0.5) within group (order by follow_up.days_between) as median_days
    from {{ ref('int_pathway__follow_up') }} as follow_up
    {{ path_cuts('follow_up') }}
    where follow_up.status_code = 'happened'
    group by 1, 2, 3, 4, 5, 6
),

estimated as (
    select
        curve.year_number,
        curve.territory_level,
        curve.territory_code,
        curve.cut_type,
        curve.cut_code,
        curve.milestone_code,
        min(curve.day_number) filter (where curve.waiting_share <= 0.75) as quarter_reached_days,
        min(curve.day_number) filter (where curve.waiting_share <= 0.5) as half_reached_days
    from {{ ref('waiting_curve') }} as curve
    {% if is_incremental() %}
        where {{ is_touched_place('curve.year_number', 'curve') }}
    {% endif %}
    group by 1, 2, 3, 4, 5, 6
),

-- Put together before it is named: nobody can estimate how many cuts have a label.
told as materialized (
    select
        counted.*,
        coalesce(reached.n_persons_happened, 0) as n_persons_happened,
        reached.mean_days,
        reached.median_days,
        estimated.quarter_reached_days,
        estimated.half_reached_days
    from counted
    left join reached
        using (year_number, territory_level, territory_code, cut_type, cut_code, milestone_code)
    left join estimated
        using (year_number, territory_level, territory_code, cut_type, cut_code, milestone_code)
)

select
    told.year_number,
    told.territory_level,
    told.territory_code,
    told.cut_type,
    told.cut_code,
    label.cut_label,
    told.milestone_code,
    milestone.milestone_label,
    cast(told.n_requests as bigint) as n_requests,
    cast(told.n_happened as bigint) as n_happened,
    told.n_persons_happened,
    {% for status in ['nothing', 'died', 'moved', 'observation_end', 'not_observed'] %}
        cast(told.n_{{ status }} as bigint) as n_{{ status }},
    {% endfor %}
    round(cast(told.mean_days as numeric), 1) as mean_days,
    round(cast(told.median_days as numeric), 1) as median_days,
    told.quarter_reached_days,
    told.half_reached_days
from told
inner join {{ ref('milestone') }} as milestone
    on told.milestone_code = milestone.milestone_code
inner join {{ ref('int_pathway__cut_label') }} as label
    on
        told.cut_type = label.cut_type
        and told.cut_code = label.cut_code
