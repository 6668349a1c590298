{{ config(materialized='table') }}
-- One row per kind of request, which is its year, place and what it is cut by, of the years that this build writes again: which cells it
-- writes of them. Those with the same cut_key fall in the same cells, and are counted together.
with request as (
    select distinct
        cast(extract(year from contact_on) as integer) as year_number,
        district_code,
        ausl_code,
        demand_type_key,
        report_target_key
    from {{ ref('fct_pathway') }}
    where {{ in_touched_years('contact_on', 'int_pathway__touched_cell') }}
),

in_cell as (
    select
        {{ path_kind_key('request', 'request.year_number') }} as kind_key,
        {{ path_cell_key('request') }} as cell_key
    from request
    {{ path_cuts('request') }}
),

kind as (
    select
        in_cell.kind_key,
        array_agg(in_cell.cell_key order by in_cell.cell_key) as cell_keys
    from in_cell
    inner join {{ ref('int_pathway__touched_cell') }} as touched
        on in_cell.cell_key = touched.cell_key
    group by in_cell.kind_key
)

select
    kind.*,
    {{ surrogate_key('path_cut', ['kind.cell_keys']) }} as cut_key
from kind
