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
            'milestone_code', 'window_days'], 'unique': true}
    ]
) }}
-- One row per year of request, territory, cut, milestone and window: how many requests reached it within the window, by what links them,
-- and of those that did not, whether they could have. Persons are distinct in each row.
{% set by = 'year_number, territory_level, territory_code, cut_type, cut_code, milestone_code, window_days' %}
{% set statuses = ['happened', 'nothing', 'died', 'moved', 'observation_end', 'not_observed'] %}
{% set sources = ['destination', 'applicant', 'demand_type', 'person'] %}
with wide as (
    select cast(window_days as integer) as window_days
    from unnest(array{{ var('pathway_windows') }}) as listed (window_days)
),

-- Counted before it is spread over places and cuts.
cell as (
    select
        follow_up.year_number,
        follow_up.district_code,
        follow_up.ausl_code,
        follow_up.regional_code,
        follow_up.level1_code,
        follow_up.report_target_code,
        follow_up.milestone_code,
        wide.window_days,
        count(*) as n_requests,
        {% for status in statuses %}
            count(*) filter (where seen.status_code = '{{ status }}') as n_{{ status }},
        {% endfor %}
    {% for source in sources %}
        count(*) filter (where seen.status_code = 'happened' and follow_up.link_source_code = '{{ source }}')
            as n_by_{{ source }}{{ ',' if not loop.last }}
    {% endfor %}
    from {{ ref('int_pathway__follow_up') }} as follow_up
    cross join wide
    cross join
        lateral (
            select
                case
                    when follow_up.days_between <= wide.window_days then 'happened'
                    when follow_up.followed_days >= wide.window_days then 'nothing'
                    else follow_up.status_code
                end as status_code
        ) as seen
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
        cell.window_days,
        sum(cell.n_requests) as n_requests,
        {% for status in statuses %}
            sum(cell.n_{{ status }}) as n_{{ status }},
        {% endfor %}
    {% for source in sources %}
        sum(cell.n_by_{{ source }}) as n_by_{{ source }}{{ ',' if not loop.last }}
    {% endfor %}
    from cell
    {{ path_cuts('cell') }}
    group by 1, 2, 3, 4, 5, 6, 7
),

person as (
    select
        follow_up.year_number,
        place.territory_level,
        place.territory_code,
        cut.cut_type,
        cut.cut_code,
        follow_up.milestone_code,
        wide.window_days,
        count(distinct follow_up.person_key) as n_persons_happened
    from {{ ref('int_pathway__follow_up') }} as follow_up
    inner join wide
        on follow_up.days_between <= wide.window_days
    {{ path_cuts('follow_up') }}
    group by 1, 2, 3, 4, 5, 6, 7
),

-- The share by the estimate that also uses those who were followed for a part of the window.
estimate as (
    select distinct on ({{ by }})
        curve.*,
        wide.window_days
    from {{ ref('waiting_curve') }} as curve
    inner join wide
        on curve.day_number <= wide.window_days
    {% if is_incremental() %}
        where {{ is_touched_place('curve.year_number', 'curve') }}
    {% endif %}
    order by {{ by }}, curve.day_number desc
),

-- Put together before it is named: nobody can estimate how many cuts have a label.
told as materialized (
    select
        counted.*,
        coalesce(person.n_persons_happened, 0) as n_persons_happened,
        estimate.waiting_share,
        estimate.waiting_share_low,
        estimate.waiting_share_high
    from counted
    left join person
        using ({{ by }})
    left join estimate
        using ({{ by }})
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
    told.window_days,
    cast(told.n_requests as bigint) as n_requests,
    cast(told.n_happened as bigint) as n_happened,
    told.n_persons_happened,
    {% for measure in [
        'n_nothing', 'n_died', 'n_moved', 'n_observation_end', 'n_not_observed', 'n_by_destination', 'n_by_applicant',
        'n_by_demand_type', 'n_by_person'
    ] %}
        cast(told.{{ measure }} as bigint) as {{ measure }},
    {% endfor %}
    round(100 * told.n_happened / nullif(told.n_happened + told.n_nothing, 0), 2) as happened_percent,
    case
        when told.n_requests > told.n_not_observed
            then round(cast(100 * (1 - coalesce(told.waiting_share, 1)) as numeric), 2)
    end as estimated_percent,
    round(cast(100 * (1 - told.waiting_share_high) as numeric), 2) as estimated_percent_low,
    round(cast(100 * (1 - told.waiting_share_low) as numeric), 2) as estimated_percent_high
from told
inner join {{ ref('milestone') }} as milestone
    on told.milestone_code = milestone.milestone_code
inner join {{ ref('int_pathway__cut_label') }} as label
    on
        told.cut_type = label.cut_type
        and told.cut_code = label.cut_code
