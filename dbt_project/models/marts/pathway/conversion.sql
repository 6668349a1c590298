{{ config(
    materialized='incremental',
    meta={'touched': {
        'by': 'int_pathway__touched_cell',
        'columns': ['year_number', 'territory_level', 'territory_code', 'cut_type', 'cut_code']
    }},
    indexes=[
        {'columns': ['year_number', 'territory_level', 'territory_code', 'cut_type', 'cut_code',
            'milestone_code', 'window_days'], 'unique': true}
    ]
) }}
-- One row per year of request, territory, cut, milestone and window: how many requests reached it within the window, by what links them,
-- and of those that did not, whether they could have. Persons are distinct in each row.
{% set statuses = ['happened', 'nothing', 'died', 'moved', 'observation_end', 'not_observed'] %}
{% set sources = ['by_destination', 'by_applicant', 'by_demand_type', 'by_person'] %}
{% set measures = statuses + sources + ['at_risk'] %}
{% set windows = var('pathway_windows') %}
with seen as (
    select
        follow_up.*,
    {% for days in windows %}
        case
            when follow_up.days_between <= {{ days }} then 'happened'
            when follow_up.followed_days >= {{ days }} then 'nothing'
            else follow_up.status_code
        end as status_code_{{ days }}{{ ',' if not loop.last }}
    {% endfor %}
    from {{ ref('int_pathway__follow_up') }} as follow_up
),

-- Counted before it is spread over cells, and all windows beside each other.
request as (
    select
        cut_key,
        milestone_code,
        {% for days in windows %}
            {% for status in statuses %}
                cast(
                    coalesce(sum(n_requests) filter (where status_code_{{ days }} = '{{ status }}'), 0) as integer
                ) as n_{{ status }}_{{ days }},
            {% endfor %}
            {% for source in sources %}
                cast(
                    coalesce(
                        sum(n_requests) filter (
                            where days_between <= {{ days }} and link_source_code = '{{ source | replace('by_', '', 1) }}'
                        ), 0
                    ) as integer
                ) as n_{{ source }}_{{ days }},
            {% endfor %}
        {% endfor %}
        {% for days in windows %}
            cast(coalesce(sum(n_requests) filter (where followed_days >= {{ days }}), 0) as integer) as n_at_risk_{{ days }},
        {% endfor %}
        cast(sum(n_requests) as integer) as n_requests
    from seen
    group by 1, 2
),

counted as (
    select
        cut.cell_key,
        request.milestone_code,
        {% for days in windows %}
            {% for measure in measures %}
                sum(request.n_{{ measure }}_{{ days }}) as n_{{ measure }}_{{ days }},
            {% endfor %}
        {% endfor %}
        sum(request.n_requests) as n_requests
    from request
    inner join {{ ref('int_pathway__cut_cell') }} as cut
        on request.cut_key = cut.cut_key
    group by 1, 2
),

-- Chosen before they are spread over cells: few milestones are ever reached.
happened as materialized (
    select
        cut_key,
        milestone_code,
        person_key,
        min(days_between) as days_between
    from {{ ref('int_pathway__follow_up') }}
    where days_between is not null
    group by 1, 2, 3
),

reached as (
    select
        cut.cell_key,
        happened.milestone_code,
        happened.person_key,
        min(happened.days_between) as days_between
    from happened
    inner join {{ ref('int_pathway__cut_cell') }} as cut
        on happened.cut_key = cut.cut_key
    group by 1, 2, 3
),

person as (
    select
        cell_key,
        milestone_code,
    {% for days in windows %}
        count(*) filter (where days_between <= {{ days }}) as n_persons_happened_{{ days }}{{ ',' if not loop.last }}
    {% endfor %}
    from reached
    group by 1, 2
),

-- The share by the estimate that also uses those who were followed for a part of the window.
estimate as (
    select distinct on (waiting.cell_key, waiting.milestone_code, wide.window_days)
        waiting.*,
        wide.window_days
    from {{ ref('int_pathway__waiting') }} as waiting
    inner join unnest(array{{ windows }}) as wide (window_days)
        on waiting.day_number <= wide.window_days
    order by waiting.cell_key, waiting.milestone_code, wide.window_days, waiting.day_number desc
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
    within.window_days,
    counted.n_requests,
    within.n_happened,
    coalesce(within.n_persons_happened, 0) as n_persons_happened,
    {% for measure in statuses[1:] + sources %}
        within.n_{{ measure }},
    {% endfor %}
    within.n_at_risk,
    -- Nothing is known of a window to whose end nobody was followed, unless all had got there before.
    case
        when within.n_at_risk > 0 or estimate.waiting_share = 0
            then round(cast(100 * (1 - coalesce(estimate.waiting_share, 1)) as numeric), 2)
    end as estimated_percent,
    case
        when within.n_at_risk > 0 then round(cast(100 * (1 - estimate.waiting_share_high) as numeric), 2)
    end as estimated_percent_low,
    case
        when within.n_at_risk > 0 then round(cast(100 * (1 - estimate.waiting_share_low) as numeric), 2)
    end as estimated_percent_high
from counted
left join person
    on
        counted.cell_key = person.cell_key
        and counted.milestone_code = person.milestone_code
cross join
    lateral (
        values
        {% for days in windows %}
            (
                {{ days }},
                {% for measure in measures %}
                    counted.n_{{ measure }}_{{ days }},
                {% endfor %}
                person.n_persons_happened_{{ days }}
            ){{ ',' if not loop.last }}
        {% endfor %}
    ) as within (window_days, n_{{ measures | join(', n_') }}, n_persons_happened)
left join estimate
    on
        counted.cell_key = estimate.cell_key
        and counted.milestone_code = estimate.milestone_code
        and within.window_days = estimate.window_days
inner join {{ ref('milestone') }} as milestone
    on counted.milestone_code = milestone.milestone_code
inner join {{ ref('int_pathway__touched_cell') }} as cell
    on counted.cell_key = cell.cell_key
