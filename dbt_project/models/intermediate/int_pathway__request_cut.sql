{{ config(materialized='table') }}
-- One row per request of the cells that this build writes again, with what the marts of paths count of it.
select
    pathway.person_key,
    cut.cut_key,
    pathway.contact_on,
    pathway.answer_code,
    pathway.sequel_status_code,
    pathway.is_sequel_known,
    pathway.is_without_sequel,
    pathway.is_repeated,
    pathway.is_return_after_end,
    pathway.path_codes,
    pathway.path_days,
{% for prefix in ['assessment', 'charge', 'service', 'far', 'adi', 'smac', 'sisam'] %}
    pathway.{{ prefix }}_days,
    pathway.{{ prefix }}_followed_days,
    pathway.{{ prefix }}_status_code,
    pathway.{{ prefix }}_link_source_code{{ ',' if not loop.last }}
{% endfor %}
from {{ ref('fct_pathway') }} as pathway
inner join {{ ref('int_pathway__cut') }} as cut
    on {{ path_kind_key('pathway', 'extract(year from pathway.contact_on)') }} = cut.kind_key
where {{ in_touched_years('pathway.contact_on', 'int_pathway__touched_cell') }}
