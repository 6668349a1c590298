{{ config(
    materialized='incremental',
    meta={'touched': {
        'by': 'int_pathway__touched_cell',
        'columns': ['year_number', 'territory_level', 'territory_code', 'cut_type', 'cut_code']
    }},
    indexes=[{'columns': ['year_number', 'territory_level', 'territory_code', 'cut_type', 'cut_code', 'path_codes'], 'unique': true}]
) }}
-- One row per year of request, territory, cut and path, of the twenty most frequent paths. Persons are distinct in each row.
with counted as (
    select
        cut.cell_key,
        request.path_codes,
        count(*) as n_requests,
        count(distinct request.person_key) as n_persons
    from {{ ref('int_pathway__request_cut') }} as request
    inner join {{ ref('int_pathway__cut_cell') }} as cut
        on request.cut_key = cut.cut_key
    group by 1, 2
),

ranked as (
    select
        counted.*,
        100 * counted.n_requests / sum(counted.n_requests) over (partition by counted.cell_key) as requests_percent,
        row_number() over (
            partition by counted.cell_key
            order by counted.n_requests desc, counted.path_codes
        ) as path_rank
    from counted
),

named as (
    select
        path.path_codes,
        string_agg(step.step_label, ' > ' order by place.step_number) as path_label
    from (
        select distinct path_codes
        from ranked
        where path_rank <= 20
    ) as path
    cross join lateral unnest(string_to_array(path.path_codes, '>')) with ordinality as place (step_code, step_number)
    inner join {{ ref('path_step') }} as step
        on place.step_code = step.step_code
    group by path.path_codes
)

select
    cell.year_number,
    cell.territory_level,
    cell.territory_code,
    cell.cut_type,
    cell.cut_code,
    cell.cut_label,
    cast(ranked.path_rank as integer) as path_rank,
    ranked.path_codes,
    named.path_label,
    ranked.n_requests,
    ranked.n_persons,
    round(ranked.requests_percent, 2) as requests_percent
from ranked
inner join named
    on ranked.path_codes = named.path_codes
inner join {{ ref('int_pathway__touched_cell') }} as cell
    on ranked.cell_key = cell.cell_key
where ranked.path_rank <= 20
