-- After what the indicators wait for.
-- depends_on: {{ ref('conversion') }}
{{ config(
    materialized='incremental',
    meta={'touched': {
        'by': 'int_pathway__touched_cell',
        'columns': ['year_number', 'territory_level', 'territory_code', 'cut_type', 'cut_code']
    }},
    indexes=[
        {'columns': ['year_number', 'territory_level', 'territory_code', 'cut_type', 'cut_code',
            'milestone_code', 'day_number'], 'unique': true}
    ]
) }}
-- One row per year of request, territory, cut, milestone and day on which somebody reached it: the Kaplan-Meier estimate of the share
-- still waiting, with its error and log-log bands of 95 %. Death, departure and the end of observation are censoring.
select
    cell.year_number,
    cell.territory_level,
    cell.territory_code,
    cell.cut_type,
    cell.cut_code,
    cell.cut_label,
    waiting.milestone_code,
    waiting.day_number,
    cast(waiting.n_at_risk as integer) as n_at_risk,
    waiting.n_happened,
    waiting.waiting_share,
    waiting.waiting_share_error,
    waiting.waiting_share_low,
    waiting.waiting_share_high
from {{ ref('int_pathway__waiting') }} as waiting
inner join {{ ref('int_pathway__touched_cell') }} as cell
    on waiting.cell_key = cell.cell_key
