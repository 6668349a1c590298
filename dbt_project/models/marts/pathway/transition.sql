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
            'step_number', 'source_code', 'target_code'], 'unique': true}
    ]
) }}
-- One row per year of request, territory, cut, place in the path, step and next step: the links of a Sankey diagram. Persons are distinct
-- in each row.
with step as (
    select
        request.year_number,
        request.person_key,
        request.district_code,
        request.ausl_code,
        request.regional_code,
        request.level1_code,
        request.report_target_code,
        place.step_number,
        place.step_code as source_code,
        lead(place.step_code) over (partition by request.demand_key order by place.step_number) as target_code,
        lead(cast(place.step_days as integer)) over (partition by request.demand_key order by place.step_number)
        - cast(place.step_days as integer) as days_between
    from {{ ref('int_pathway__request_cut') }} as request
    cross join
        lateral unnest(string_to_array(request.path_codes, '>'), string_to_array(request.path_days, '>'))
        with ordinality as place (step_code, step_days, step_number)
),

counted as (
    select
        step.year_number,
        place.territory_level,
        place.territory_code,
        cut.cut_type,
        cut.cut_code,
        step.step_number,
        step.source_code,
        step.target_code,
        count(*) as n_transitions,
        count(distinct step.person_key) as n_persons,
        percentile_cont(0.5) within group (order by step.days_between) as median_days
    from step
    {{ path_cuts('step') }}
    where step.target_code is not null
    group by 1, 2, 3, 4, 5, 6, 7, 8
)

select
    counted.year_number,
    counted.territory_level,
    counted.territory_code,
    counted.cut_type,
    counted.cut_code,
    label.cut_label,
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
inner join {{ ref('int_pathway__cut_label') }} as label
    on
        counted.cut_type = label.cut_type
        and counted.cut_code = label.cut_code
