{{ config(materialized='table') }}
-- One row per cut_key and cell that this build writes again and its requests fall in.
select distinct
    cut.cut_key,
    cell.cell_key
from {{ ref('int_pathway__cut') }} as cut
cross join lateral unnest(cut.cell_keys) as cell (cell_key)
