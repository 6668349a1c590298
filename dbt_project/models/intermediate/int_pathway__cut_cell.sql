{{ config(materialized='table') }}
-- One row per cut_key and cell that this build writes again and its requests fall in.
with request as (
    select distinct
        cut_key,
        year_number,
        district_code,
        ausl_code,
        demand_type_key,
        report_target_key
    from {{ ref('int_pathway__request_cut') }}
),

cut_cell as (
    select
        request.cut_key,
        {{ path_cell_key('request') }} as cell_key
    from request
    {{ path_cuts('request') }}
)

select
    cut_cell.cut_key,
    cut_cell.cell_key
from cut_cell
inner join {{ ref('int_pathway__touched_cell') }} as touched
    on cut_cell.cell_key = touched.cell_key
