{{ config(
    materialized='incremental',
    meta={'touched': {
        'by': 'int_pathway__touched_cell',
        'columns': ['year_number', 'territory_level', 'territory_code', 'cut_type', 'cut_code']
    }},
    indexes=[
        {'columns': ['year_number', 'territory_level', 'territory_code', 'cut_type', 'cut_code', 'month_on'], 'unique': true}
    ]
) }}
-- One row per month of request, territory and cut: after how many requests no flow of services shows a sequel, and whether all windows of
-- the month are closed. Years are compared over the months that are closed in both.
select
    cell.year_number,
    cell.territory_level,
    cell.territory_code,
    cell.cut_type,
    cell.cut_code,
    cell.cut_label,
    cast(date_trunc('month', request.contact_on) as date) as month_on,
    count(*) as n_requests,
    count(*) filter (where request.is_sequel_known) as n_sequel_known,
    count(*) filter (where request.is_without_sequel) as n_without_sequel,
    bool_and(request.sequel_status_code <> 'open') as is_closed
from {{ ref('int_pathway__request_cut') }} as request
inner join {{ ref('int_pathway__cut_cell') }} as cut
    on request.cut_key = cut.cut_key
inner join {{ ref('int_pathway__touched_cell') }} as cell
    on cut.cell_key = cell.cell_key
group by 1, 2, 3, 4, 5, 6, 7
