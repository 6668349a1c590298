{{ config(tags='from_seeds', indexes=[{'columns': ['indicator_code'], 'unique': true}]) }}
-- One row per strategic indicator: what it says, how it is computed, what to beware of (seed indicator_catalogue, one row an indicator).
select
    indicator_code,
    indicator_order,
    area_code,
    case area_code
        when 'access' then 'Accesso'
        when 'demand' then 'Domanda'
        when 'answer' then 'Risposta'
        when 'continuity' then 'Continuità'
        when 'supply' then 'Offerta'
        when 'quality' then 'Qualità'
    end as area_label,
    label_it,
    label_en,
    definition_it,
    formula_it,
    numerator_it,
    denominator_it,
    unit_it,
    multiplier,
    n_decimals,
    direction,
    interval_method,
    source_it,
    caveat_it
from {{ ref('indicator_catalogue') }}
