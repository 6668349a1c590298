{{ config(
    materialized='incremental',
    meta={'touched': {
        'by': 'int_pathway__touched_cell',
        'columns': ['year_number', 'territory_level', 'territory_code', 'cut_type', 'cut_code']
    }},
    indexes=[
        {'columns': ['year_number', 'territory_level', 'territory_code', 'cut_type', 'cut_code',
            'step_number', 'source_code', 'target_code'], 'unique': true}
    ]
) }}
-- One row per year of request, territory, cut, place in the path, step and next step: the links of a Sankey diagram. Persons are distinct
-- in each row.
with step as (
    select
        request.cut_key,
        request.person_key,
        step.step_number,
        step.source_code,
        step.target_code,
        cast(step.target_days as integer) - cast(step.source_days as integer) as days_between
    from {{ ref('int_pathway__request_cut') }} as request
    cross join
        lateral (
            select
                string_to_array(request.path_codes, '>') as codes,
                string_to_array(request.path_days, '>') as days
        ) as path
    -- Each step beside the one after it.
    cross join
        lateral unnest(path.codes, path.codes[2:], path.days, path.days[2:])
        with ordinality as step (source_code, target_code, source_days, target_days, step_number)
    where step.target_code is not null
),

counted as (
    select
        cut.cell_key,
        step.step_number,
        step.source_code,
        step.target_code,
        count(*) as n_transitions,
        count(distinct step.person_key) as n_persons,
        percentile_cont(0.5) within group (order by step.days_between) as median_days
    from step
    inner join {{ ref('int_pathway__cut_cell') }} as cut
        on step.cut_key = cut.cut_key
    group by 1, 2, 3, 4
)

select
    cell.year_number,
    cell.territory_level,
    cell.territory_code,
    cell.cut_type,
    cell.cut_code,
    cell.cut_label,
    cast(counted.step_number as integer) as step_number,
    counted.source_code,
    source.step_label as source_label,
    counted.target_code,
    target.step_label as target_label,
    counted.n_transitions,
    counted.n_persons,
    round(cast(counted.median_days as numeric), 1) as median_days
from counted
inner join {{ ref('path_step') }} as source
    on counted.source_code = source.step_code
inner join {{ ref('path_step') }} as target
    on counted.target_code = target.step_code
inner join {{ ref('int_pathway__touched_cell') }} as cell
    on counted.cell_key = cell.cell_key
