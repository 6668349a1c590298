{{ config(
    materialized='incremental',
    meta={'touched': {
        'by': 'int_pathway__touched_cell',
        'columns': ['year_number', 'territory_level', 'territory_code', 'cut_type', 'cut_code']
    }},
    indexes=[{'columns': ['year_number', 'territory_level', 'territory_code', 'cut_type', 'cut_code', 'milestone_code'], 'unique': true}]
) }}
-- One row per year of request, territory, cut and milestone: how many reached it, what ended the waiting of the others, and how long it
-- takes, among those who reached it and by the estimate over all.
{% set statuses = ['happened', 'nothing', 'died', 'moved', 'observation_end', 'not_observed'] %}
-- Counted before it is spread over cells.
with request as (
    select
        cut_key,
        milestone_code,
        {% for status in statuses %}
            cast(coalesce(sum(n_requests) filter (where status_code = '{{ status }}'), 0) as integer) as n_{{ status }},
        {% endfor %}
        cast(sum(n_requests) as integer) as n_requests
    from {{ ref('int_pathway__follow_up') }}
    group by 1, 2
),

counted as (
    select
        cut.cell_key,
        request.milestone_code,
        {% for status in statuses %}
            sum(request.n_{{ status }}) as n_{{ status }},
        {% endfor %}
        sum(request.n_requests) as n_requests
    from request
    inner join {{ ref('int_pathway__cut_cell') }} as cut
        on request.cut_key = cut.cut_key
    group by 1, 2
),

reached as (
    select
        cut.cell_key,
        follow_up.milestone_code,
        count(distinct follow_up.person_key) as n_persons_happened,
        avg(follow_up.days_between) as mean_days,
        percentile_cont(0.5) within group (order by follow_up.days_between) as median_days
    from {{ ref('int_pathway__follow_up') }} as follow_up
    inner join {{ ref('int_pathway__cut_cell') }} as cut
        on follow_up.cut_key = cut.cut_key
    where follow_up.status_code = 'happened'
    group by 1, 2
),

estimated as (
    select
        cell_key,
        milestone_code,
        min(day_number) filter (where waiting_share <= 0.75) as quarter_reached_days,
        min(day_number) filter (where waiting_share <= 0.5) as half_reached_days
    from {{ ref('int_pathway__waiting') }}
    group by 1, 2
)

select
    cell.year_number,
    cell.territory_level,
    cell.territory_code,
    cell.cut_type,
    cell.cut_code,
    cell.cut_label,
    counted.milestone_code,
    milestone.milestone_label,
    counted.n_requests,
    counted.n_happened,
    coalesce(reached.n_persons_happened, 0) as n_persons_happened,
    {% for status in statuses[1:] %}
        counted.n_{{ status }},
    {% endfor %}
    round(cast(reached.mean_days as numeric), 1) as mean_days,
    round(cast(reached.median_days as numeric), 1) as median_days,
    estimated.quarter_reached_days,
    estimated.half_reached_days
from counted
left join reached
    on
        counted.cell_key = reached.cell_key
        and counted.milestone_code = reached.milestone_code
left join estimated
    on
        counted.cell_key = estimated.cell_key
        and counted.milestone_code = estimated.milestone_code
inner join {{ ref('milestone') }} as milestone
    on counted.milestone_code = milestone.milestone_code
inner join {{ ref('int_pathway__touched_cell') }} as cell
    on counted.cell_key = cell.cell_key
